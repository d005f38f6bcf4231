"""Progress, the live picture and the forms of a study in a notebook that a real kernel runs."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CELLS = (
    """
import time
import luthier as lt

study = lt.Study("<b>name</b>", {"x": lt.Float(0, 1), "<i>": lt.Choice("<u>", "b")}, minimize="loss", seed=0,
                 method=lt.Random())

def loss(trial):
    time.sleep(0.25)
    if trial.number == 1:
        raise ValueError("<script>alert(1)</script>")
    return trial["x"]
""",
    "end = study.run(loss, trials=6, live=True)",
    "end = study.run(loss, trials=9, progress=True)",
    "study",
    "study.best",
    "study.space",
    "study.predict({'x': 0.5, '<i>': 'b'})",
)


def _html(output: Any) -> str:
    return str(output.get("data", {}).get("text/html", ""))


def test_a_run_shows_its_progress_and_a_live_picture() -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text.strip()) for text in CELLS])
    messages: list[dict[str, Any]] = []

    class Client(NotebookClient):
        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            messages.append({"cell": cell_index, **msg})
            return super().process_message(msg, cell, cell_index)

    Client(book, timeout=300, kernel_name="python3").execute()
    live, lines, *shown = (cell.outputs for cell in book.cells[1:])

    (only,) = (output for output in live if output.output_type == "display_data")  # one output, updated in place
    page = _html(only)
    assert "<progress" in page and "6/6" in page and "data:image/svg+xml;base64," in page
    assert "best: loss" in page and "trial 1 ended as failed" in page
    updates = [one for one in messages if one["cell"] == 1 and one["msg_type"] == "update_display_data"]
    assert len(updates) >= 3
    pictures = {one["content"]["data"]["text/html"].partition("data:image")[2] for one in updates}
    assert len(pictures) >= 2  # the picture follows the run

    (only,) = (output for output in lines if output.output_type == "display_data")
    assert "9/9" in _html(only) and "data:image" not in _html(only)
    for outputs in (live, lines, *shown):
        for output in outputs:
            assert not any(tag in _html(output) for tag in ("<b>", "<i>", "<u>", "<script"))
    assert all(any(_html(output) for output in outputs) for outputs in shown)
