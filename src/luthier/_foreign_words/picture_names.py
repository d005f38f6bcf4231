"""Pictures under the names that other libraries have for them, with ours."""

from __future__ import annotations

from typing import Final

PICTURES: Final = {
    **dict.fromkeys(("optimization_history", "convergence", "regret", "incumbent", "best", "progress"), "history"),
    **dict.fromkeys(("pareto", "pareto_front", "attainment"), "front"),
    **dict.fromkeys(("parallel_coordinate", "parallel_coordinates"), "parallel"),
    **dict.fromkeys(("param_importances", "importances", "feature_importances", "fanova"), "importance"),
    **dict.fromkeys(("partial_dependence", "pdp", "objective"), "dependence"),
    **dict.fromkeys(("surface", "heatmap", "contours", "landscape"), "contour"),
    **dict.fromkeys(("evaluations", "scatter", "slices", "histogram"), "slice"),
    **dict.fromkeys(("intermediate_values", "learning_curves", "curves"), "reports"),
    **dict.fromkeys(("hypervolume_history",), "hypervolume"),
    **dict.fromkeys(("ecdf", "distribution", "cdf"), "edf"),
    **dict.fromkeys(("terminator_improvement", "gain"), "forecast"),
}
"""Kinds of pictures."""
