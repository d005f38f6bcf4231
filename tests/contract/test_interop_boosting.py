"""The pruning callbacks of LightGBM, XGBoost, CatBoost and scikit-learn, with these libraries."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pruning_callbacks import STEPS, TRAIN, VALID, PruningCallbackContract, Training, X, Y

import luthier as lt
from luthier.errors import InvalidSetting

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


class TestLightGBM(PruningCallbackContract):
    metric = "binary_logloss"

    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import lightgbm

        from luthier.interop import LightGBMPruningCallback

        callback = LightGBMPruningCallback(trial, metric, checkpoint=checkpoint, **options)
        train = lightgbm.Dataset(X[TRAIN], Y[TRAIN])
        valid = lightgbm.Dataset(X[VALID], Y[VALID], reference=train)
        seen: dict[str, Any] = {}
        booster = lightgbm.train(
            {"objective": "binary", "verbosity": -1, "num_threads": 1, "learning_rate": trial["rate"], "num_leaves": 4},
            train,
            STEPS - callback.start,
            valid_sets=[valid],
            init_model=callback.resume_from,
            callbacks=[callback, lightgbm.record_evaluation(seen)],
        )
        return callback, Training(booster.num_trees(), seen["valid_0"]["binary_logloss"])

    def test_estimators_and_cross_validation_take_it(self) -> None:
        import lightgbm

        from luthier.interop import LightGBMPruningCallback

        settings = {"n_estimators": 9, "num_leaves": 4, "verbosity": -1, "n_jobs": 1}
        study = lt.Study("estimator", {"x": lt.Float(0, 1)}, minimize="loss", stop=lt.Threshold(-1e9, after=2), seed=0)
        trial = study.ask()
        callback = LightGBMPruningCallback(trial, "binary_logloss", data="valid_1")
        model = lightgbm.LGBMClassifier(**settings)
        sets = [(X[TRAIN], Y[TRAIN]), (X[VALID], Y[VALID])]
        model.fit(*sets[0], eval_set=sets, callbacks=[callback])
        assert model.booster_.num_trees() == 2
        assert study.tell(trial, callback.value).reason == "pruned"
        with pytest.raises(InvalidSetting, match="'binary_logloss' on 'training', 'binary_logloss' on 'valid_1'; say"):
            model.fit(*sets[0], eval_set=sets, callbacks=[LightGBMPruningCallback(study.ask(), "binary_logloss")])
        trial = study.ask()
        callback = LightGBMPruningCallback(trial, "binary_logloss")
        data = lightgbm.Dataset(X, Y)
        lightgbm.cv({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 9, callbacks=[callback])
        assert [report.step for report in study.tell(trial, callback.value).reports] == [1, 2]

    @pytest.mark.parametrize("metric", ["auc", "binary_logloss"])
    @pytest.mark.parametrize("goal", ["minimize", "maximize"])
    def test_a_metric_that_is_better_the_other_way_fails_its_trial(self, goal: Any, metric: str) -> None:
        import lightgbm

        from luthier.interop import LightGBMPruningCallback

        def objective(trial: lt.RunningTrial) -> float:
            callback = LightGBMPruningCallback(trial, metric)
            settings = {"objective": "binary", "metric": metric, "verbosity": -1, "num_threads": 1}
            train = lightgbm.Dataset(X[TRAIN], Y[TRAIN])
            valid = lightgbm.Dataset(X[VALID], Y[VALID], reference=train)
            lightgbm.train(settings, train, 3, valid_sets=[valid], callbacks=[callback])
            return callback.value

        study = lt.Study("goal", {"x": lt.Float(0, 1)}, **{goal: "v"}, method=lt.Random(), seed=0)
        study.run(objective, trials=1)
        fits = (metric == "auc") == (goal == "maximize")
        assert study.trials[0].is_done is fits
        assert fits or f"metric={metric!r}: LightGBM says that it is better the " in study.trials[0].error


class TestXGBoost(PruningCallbackContract):
    metric = "logloss"

    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        import xgboost

        from luthier.interop import XGBoostPruningCallback

        callback = XGBoostPruningCallback(trial, metric, checkpoint=checkpoint, **options)
        seen: dict[str, Any] = {}
        booster = xgboost.train(
            {"objective": "binary:logistic", "eta": trial["rate"], "max_depth": 2, "nthread": 1},
            xgboost.DMatrix(X[TRAIN], Y[TRAIN]),
            STEPS - callback.start,
            evals=[(xgboost.DMatrix(X[VALID], Y[VALID]), "valid")],
            xgb_model=callback.resume_from,
            callbacks=[callback],
            evals_result=seen,
            verbose_eval=False,
        )
        return callback, Training(booster.num_boosted_rounds(), seen.get("valid", {}).get("logloss", []))

    def test_estimators_and_cross_validation_take_it(self) -> None:
        import xgboost

        from luthier.interop import XGBoostPruningCallback

        study = lt.Study("estimator", {"x": lt.Float(0, 1)}, minimize="loss", stop=lt.Threshold(-1e9, after=2), seed=0)
        trial = study.ask()
        callback = XGBoostPruningCallback(trial, "logloss")
        model = xgboost.XGBClassifier(n_estimators=9, max_depth=2, n_jobs=1, callbacks=[callback])
        model.fit(X[TRAIN], Y[TRAIN], eval_set=[(X[VALID], Y[VALID])], verbose=False)
        assert model.get_booster().num_boosted_rounds() == 2
        assert study.tell(trial, callback.value).reason == "pruned"
        trial = study.ask()
        callback = XGBoostPruningCallback(trial, "logloss", data="test")
        xgboost.cv({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(X, Y), 9, callbacks=[callback])
        assert [report.step for report in study.tell(trial, callback.value).reports] == [1, 2]


class TestCatBoost(PruningCallbackContract):
    exact = False  # its random numbers begin anew
    metric = "Logloss"

    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        from catboost import CatBoostClassifier

        from luthier.interop import CatBoostPruningCallback

        callback = CatBoostPruningCallback(trial, metric, **options)
        if callback.start == STEPS:
            return callback, Training(STEPS, [])
        model = CatBoostClassifier(
            iterations=STEPS - callback.start,
            depth=2,
            learning_rate=trial["rate"],
            verbose=False,
            thread_count=1,
            allow_writing_files=False,
        )
        valid = (X[VALID], Y[VALID])
        start = callback.resume_from
        model.fit(X[TRAIN], Y[TRAIN], eval_set=valid, use_best_model=False, init_model=start, callbacks=[callback])
        if checkpoint:
            callback.keep(model)
        return callback, Training(model.tree_count_, model.get_evals_result()["validation"]["Logloss"])


class TestSklearn(PruningCallbackContract):
    keeps = False
    metric = "neg_log_loss"
    goal: ClassVar[dict[str, Any]] = {"maximize": "score"}

    def train(self, trial: Any, metric: str, checkpoint: bool, **options: Any) -> tuple[Any, Training]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import get_scorer

        from luthier.interop import SklearnPruningCallback

        callback = SklearnPruningCallback(trial, metric, X[VALID], Y[VALID], **options)
        values = []
        for steps in range(1, STEPS + 1):
            model = LogisticRegression(C=trial["rate"], max_iter=steps, tol=1e-12)
            if steps == STEPS:
                model.set_callbacks(callback)
            model.fit(X[TRAIN], Y[TRAIN])
            values.append(get_scorer("neg_log_loss")(model, X[VALID], Y[VALID]))
        return callback, Training(int(model.n_iter_[0]), values)

    def test_a_metric_that_is_not_there_is_said(self) -> None:
        with pytest.raises(ValueError, match="nothing_like_it"):  # scikit-learn says it, before any training
            self.train(lt.Study("none", {"rate": lt.Float(0.1, 1)}, maximize="score").ask(), "nothing_like_it", False)

    def test_a_score_that_is_minimized_is_refused(self) -> None:
        study = lt.Study("less", {"rate": lt.Float(0.1, 1)}, minimize="loss", method=lt.Random())
        with pytest.raises(InvalidSetting, match=r"neg_log_loss.*higher.*minimizes"):
            self.train(study.ask(), "neg_log_loss", False)
