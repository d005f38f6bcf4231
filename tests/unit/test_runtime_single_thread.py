"""One thread while a proposal is made, and as many as before afterwards; by the libraries' own numbers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.linalg
from threadpoolctl import ThreadpoolController

import luthier as lt
from luthier._runtime.single_thread import on_one_thread, single_thread
from luthier.key import Key
from luthier.memo import Memo
from luthier.surrogate.gp.model import GP

MANY = min(2, os.cpu_count() or 1)  # more than one wherever that can be had
OTHER = MANY + 1


def threads():
    return {one.filepath: one.num_threads for one in ThreadpoolController().lib_controllers if one.user_api == "blas"}


def many(number=MANY):
    """Give every BLAS more than one thread."""
    return ThreadpoolController().limit(limits=number)


def all_are(number):
    found = threads()
    return len(found) >= 2 and set(found.values()) == {number}


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(MANY), "OMP_NUM_THREADS": str(MANY), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_libraries_have_one_thread_within_and_as_many_as_before_afterwards():
    with many():
        with single_thread() as held:
            assert all_are(1)
            with single_thread():
                assert all_are(1)
            assert all_are(1)
        assert held.complete
        assert all_are(MANY)


def test_they_have_as_many_as_before_after_an_exception():
    with many():
        with pytest.raises(KeyError), single_thread():
            raise KeyError
        assert all_are(MANY)


def test_the_last_of_overlapping_contexts_of_several_threads_ends_the_limit():
    begun, end, seen = threading.Event(), threading.Event(), []

    def other():
        with single_thread():
            begun.set()
            end.wait(30)
            seen.append(all_are(1))

    with many():
        with single_thread():
            thread = threading.Thread(target=other)
            thread.start()
            assert begun.wait(30)
        assert all_are(1)  # the other one goes on
        end.set()
        thread.join()
        assert seen == [True]
        assert all_are(MANY)


def test_many_threads_that_come_and_go_leave_the_libraries_as_they_were():
    wrong = []

    def come_and_go():
        for _ in range(200):
            with single_thread():
                if not all(one.get_num_threads() == 1 for one in libraries):
                    wrong.append(1)

    with many():
        libraries = [one for one in ThreadpoolController().lib_controllers if one.user_api == "blas"]
        crowd = [threading.Thread(target=come_and_go) for _ in range(4)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        assert not wrong
        assert all_are(MANY)


def test_a_number_that_another_caller_sets_meanwhile_stays():
    with many():
        with single_thread():
            limit = many(OTHER)
        assert all_are(OTHER)
        limit.restore_original_limits()


def test_a_context_begins_with_one_thread_whatever_was_set_within_another():
    with many(), single_thread(), many(OTHER), single_thread():
        assert all_are(1)


def test_a_fork_forgets_the_contexts_of_threads_that_it_does_not_have():
    code = f"""
        import os, threading
        import scipy.linalg
        from threadpoolctl import ThreadpoolController
        from luthier._runtime.single_thread import single_thread

        libraries = ThreadpoolController().lib_controllers
        begun, end = threading.Event(), threading.Event()

        def other():
            with single_thread():
                begun.set()
                end.wait(30)

        thread = threading.Thread(target=other)
        thread.start()
        begun.wait(30)
        inside = single_thread()
        for held in (False, True):
            if held:
                inside.__enter__()
            child = os.fork()
            if not child:
                right = all(one.get_num_threads() == (1 if held else {MANY}) for one in libraries)
                if held:
                    inside.__exit__(None, None, None)
                    right = right and all(one.get_num_threads() == {MANY} for one in libraries)
                os._exit(0 if right else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        end.set()
        """
    assert python(code) == ["0", "0"]


def test_a_library_that_is_loaded_within_is_held_and_what_was_computed_beside_it_is_computed_again():
    code = """
        import numpy
        from threadpoolctl import ThreadpoolController
        from luthier._runtime.single_thread import on_one_thread

        def compute():
            import scipy.linalg
            found = sorted(one.num_threads for one in ThreadpoolController().lib_controllers)
            print(*found)
            return found

        forgotten = []
        assert on_one_thread(compute, lambda: forgotten.append(1)) == [1, 1]
        assert forgotten == [1]
        print(*(one.num_threads for one in ThreadpoolController().lib_controllers))
        """
    assert python(code) == ["1", str(MANY), "1", "1", str(MANY), str(MANY)]


def test_what_is_named_is_loaded_first_and_nothing_is_computed_twice():
    code = """
        from luthier._runtime.single_thread import on_one_thread
        on_one_thread(lambda: print("computed"), lambda: print("forgotten"), "scipy.linalg")
        """
    assert python(code) == ["computed"]


def test_a_context_within_that_begins_after_a_library_was_loaded_holds_it():
    code = """
        from luthier._runtime.single_thread import on_one_thread, single_thread
        from threadpoolctl import ThreadpoolController

        def compute():
            import scipy.linalg
            with single_thread():
                pass
            print(*(one.num_threads for one in ThreadpoolController().lib_controllers))

        on_one_thread(compute, lambda: print("forgotten"))
        """
    assert python(code) == ["1", "1"]


@lt.register
@dataclass(frozen=True)
class Looking(lt.Random):
    """Random search that looks at the libraries while it proposes."""

    def suggest(self, problem, history, key, count, memo):
        seen.append(set(threads().values()))
        return super().suggest(problem, history, key, count, memo)


seen: list[set[int]] = []


def test_a_study_proposes_verifies_and_predicts_on_one_thread(monkeypatch):
    seen.clear()
    monkeypatch.setattr(GP, "fit", lambda *given, fit=GP.fit: seen.append(set(threads().values())) or fit(*given))
    with many(), lt.Study("one", {"x": lt.Float(0, 1)}, minimize="y", seed=0, method=Looking()) as study:
        for value in (1.0, 3.0, 2.0, 5.0):
            study.tell(study.ask(), value)
        assert study.verify().ok
        assert len(seen) == 8
        study.predict({"x": 0.5})
        study.explain(3)
        study.expected_best()
        study.calibration()
        assert len(seen) == 12
        assert all_are(MANY)
    assert all(found == {1} for found in seen)


def test_products_and_factors_do_not_depend_on_the_number_of_threads():
    root = Key.of(3).uniform((200, 100))

    def compute():
        matrix = root.T @ root
        return matrix.tobytes() + scipy.linalg.cholesky(matrix + np.eye(100)).tobytes()

    found = []
    for number in (1, MANY):
        with many(number):
            found.append(on_one_thread(compute, lambda: None))
    assert found[0] == found[1]


def test_a_computation_that_loads_nothing_is_done_once():
    memo = Memo()
    counted = []
    assert on_one_thread(lambda: counted.append(1) or 7, memo.clear) == 7
    assert counted == [1]
