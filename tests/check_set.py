"""The fast set of `make check`: how much of a property it looks at, and what it leaves to `make test`."""

from __future__ import annotations

import os

VARIABLE = "FAST_TESTS"
"""Set where tests that are marked slow are left out."""


def examples(full: int) -> int:
    """Give the number of examples of a property: all, or a quarter in the fast set."""
    return max(full // 4, 2) if VARIABLE in os.environ else full


SIBLINGS = {
    "contract/test_executors.py::TestFuturesOnProcesses::test_an_answer_that_raises_is_the_callers": 0,
    "end/test_cli_run.py::test_mistakes_exit_with_2": 1,
    "end/test_processes_deaths.py::test_cancelling_and_submitting_in_quick_succession": 0,
    "end/test_processes_deaths.py::test_deaths_among_other_trials_cost_nothing_else": 0,
    "end/test_processes_deaths.py::test_forks_of_the_parent_while_workers_start_do_no_harm": 0,
    "end/test_processes_deaths.py::test_nothing_is_left_open_after_close": 0,
    "end/test_processes_deaths.py::test_two_hundred_quick_tasks_over_four_workers": 0,
    "end/test_processes_limits.py::test_many_limits_at_once_end_what_they_should": 0,
    "end/test_processes_scripts.py::test_a_script_needs_no_main_guard": 1,
    "end/test_run_interrupt.py::test_the_first_ctrl_c_waits_for_what_runs": 1,
    "end/test_run_interrupt.py::test_a_second_ctrl_c_or_sigterm_ends_what_runs_and_it_is_run_again": 1,
    "end/test_run_kills.py::test_a_process_killed_at_an_append_resumes_where_it_was": 2,
    "end/test_run_kills.py::test_of_two_processes_one_is_killed_and_the_other_ends_the_study": 1,
    "end/test_store_processes.py::test_six_processes_begin_one_file_at_once": 0,
    "law/test_bayes_laws.py::TestBayesLogEI::test_external_trials_may_come_between": 0,
    "law/test_bayes_laws.py::TestBayesLogEI::test_memo": 1,
    "law/test_bayes_laws.py::TestBayesLogEI::test_resume": 1,
    "law/test_resume.py::test_a_run_killed_at_any_event_ends_like_one_that_was_not[Random]": 0,
    "law/test_resume.py::test_of_two_processes_one_may_die_at_any_event": 1,
    "unit/test_acquisition_hypervolume.py::test_auto_keeps_outcome_constraints_of_several_objectives": 0,
    "unit/test_acquisition_hypervolume.py::test_auto_proposes_by_it": 1,
    "unit/test_analysis_explanation.py::test_maximizing_mirrors_minimizing": 0,
    "unit/test_analysis_response.py::test_ablation_goes_from_the_defaults_to_the_best": 0,
    "unit/test_bayes_bad_input.py::test_combined_variables": 2,
    "unit/test_bayes_bad_input.py::test_losses_of_any_size": 4,
    "unit/test_importance_scores.py::test_each_objective_has_an_importance_of_its_own": 0,
    "unit/test_method_constraints.py::test_crashes_by_chance_teach_nothing": 0,
    "unit/test_method_pending.py::test_a_batch_is_distinct_and_made_again": 4,
    "unit/test_method_pending.py::test_a_batch_of_a_process_is_well_spread": 1,
    "unit/test_method_pending.py::test_crashes_and_violations_beside_pending_trials": 1,
    "unit/test_method_portfolio.py::test_whoever_nominates_well_proposes_more_often": 0,
    "unit/test_method_step.py::test_a_step_made_alone_is_that_of_the_batch": 3,
    "unit/test_method_step.py::test_every_proposal_of_a_batch_is_rated": 1,
    "unit/test_method_user_prior.py::test_a_finite_space_is_used_up": 1,
    "unit/test_method_user_prior.py::test_valid_replayed_and_resumed": 2,
    "unit/test_numeric_slice_sampling.py::test_two_correlated_normal_variables": 1,
    "unit/test_numeric_sequences.py::test_the_lattices_vector_is_made_again": 0,
    "unit/test_plot_pictures.py::test_of_many_trials_some_are_drawn_and_all_that_improved": 0,
    "unit/test_run_loop.py::test_an_exception_of_a_callback_ends_the_run_and_nothing_is_lost[processes-2]": 0,
    "unit/test_sampling_plans.py::test_the_simplest_plan_that_is_good_enough_is_taken": 4,
    "unit/test_sklearn_last_step.py::test_what_is_dropped_from_the_cache_is_made_again": 0,
    "unit/test_sklearn_partial_results.py::test_what_was_evaluated_before_ctrl_c_is_there": 4,
    "unit/test_sklearn_search.py::test_data_of_all_kinds": 1,
    "unit/test_sklearn_selection.py::test_a_search_takes_the_simplest": 0,
    "unit/test_sklearn_selection.py::test_every_search_has_it": 2,
    "unit/test_sklearn_shared_steps.py::test_every_class_shares": 1,
    "unit/test_sklearn_shared_steps.py::test_the_results_are_those_of_a_plain_run": 6,
    "unit/test_sklearn_skopt.py::test_a_constraint_on_the_space_is_kept": 1,
    "unit/test_sklearn_skopt.py::test_the_initial_points_are_of_the_generator": 2,
    "unit/test_store_sqlite_file.py::test_flipped_bytes_give_the_truth_or_an_error": 10,
    "unit/test_study_handles.py::test_an_error_while_a_result_is_made_plain_costs_that_trial": 2,
    "unit/test_study_handles.py::test_what_was_found_is_there_after_an_interrupt": 1,
    "unit/test_surrogate_draws.py::test_paths_have_the_moments_of_the_posterior": 1,
    "unit/test_surrogate_draws.py::test_prior_draws_have_the_kernel_as_their_covariance": 1,
    "unit/test_surrogate_gp_refits.py::test_a_mixture_of_objectives_takes_what_was_found_for_each_of_them": 0,
    "unit/test_surrogate_gp_refits.py::test_beyond_200_results_a_cold_start_finds_hyperparameters_once": 1,
    "unit/test_surrogate_mixture.py::test_samples_are_a_fold_that_a_memo_does_not_change": 1,
    "unit/test_surrogate_regressor.py::test_it_searches": 0,
    "unit/test_surrogate_scale.py::test_an_outlook_of_any_surrogate_is_consistent": 5,
}
"""Tests that take long where others look at the same: how many of their cases are in the fast set, by name."""
