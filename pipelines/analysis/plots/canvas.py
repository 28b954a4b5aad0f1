"""One look for every figure. Needs matplotlib, which the `notebooks` extra brings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.report import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito's palette without yellow, which vanishes on white; grey for the rest.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
GREY, INK, ALARM, CALM = "#9aa4af", "#1d2733", "#d55e00", "#0072b2"
SEVERITY = {"high": "#b3261e", "medium": "#e69f00", "low": "#56b4e9", "informational": "#b8c0c8"}
WIDTH = 10.5


class Drawn:
    """A figure that shows itself once in a notebook; `figure` is matplotlib's, `save` writes it to a file."""

    def __init__(self, figure: Figure, title: str) -> None:
        self.figure = figure
        self.title = title

    @property
    def axes(self) -> list[Axes]:
        return list(self.figure.axes)

    def save(self, path: str) -> None:
        self.figure.savefig(path, dpi=150, bbox_inches="tight")

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, bytes], dict[str, Any]]:
        """What a notebook shows: the picture, with its title for readers who cannot see it."""
        return {"image/png": self.png()}, {"image/png": {"alt": self.title}}

    def png(self) -> bytes:
        return self._as("png", dpi=110)

    def svg(self) -> str:
        """The picture as SVG markup of shapes only, for a page."""
        from matplotlib import rc_context

        with rc_context({"svg.fonttype": "path", "svg.hashsalt": "nowguard"}):
            text = self._as("svg", metadata={"Date": None, "Creator": None}).decode()
        return text[text.index("<svg") :]

    def _as(self, kind: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        self.figure.savefig(stream, format=kind, bbox_inches="tight", **options)
        return stream.getvalue()


def canvas(
    title: str, *, rows: int = 1, columns: int = 1, height: float = 3.4, **options: Any
) -> tuple[Drawn, list[Axes]]:
    """An empty figure and its axes, left to right, then down. `title` says what is to be seen."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "matplotlib is not installed here", remedy="run `make env`, or pip install 'nowguard[notebooks]'"
        ) from None
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    figure.suptitle(label(title), x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK, parse_math=False)
    flat: list[Axes] = list(axes.flat)
    for each in flat:
        each.spines[["top", "right"]].set_visible(False)
        each.tick_params(labelsize=9, colors=INK)
        each.grid(axis="y", color="#e4e8ec", linewidth=0.7)
        each.set_axisbelow(True)
    return Drawn(figure, label(title)), flat


def caption(drawn: Drawn, text: str) -> Drawn:
    """Below the figure: how to read it."""
    lines = "\n".join(wrap(text, 150))
    drawn.figure.supxlabel(lines, x=0.01, ha="left", fontsize=8.5, color="#5b6877", parse_math=False)
    return drawn


def nothing(title: str, why: str) -> Drawn:
    """A figure that says why it is empty."""
    drawn, (axes,) = canvas(title, height=1.4)
    axes.axis("off")
    axes.text(0, 0.5, label(why), fontsize=10, color="#5b6877", parse_math=False)
    return drawn


def names(axis: Any, values: Sequence[object]) -> None:
    """Tick labels from data: never read as a formula, and free of what cannot be drawn."""
    axis.set_ticks(range(len(values)), [label(value) for value in values])
    for tick in axis.get_ticklabels():
        tick.set_parse_math(False)


def whole(axis: Any) -> None:
    """Ticks at whole numbers: half an alert is none."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def dates(axes: Any) -> None:
    """An axis of time whose ticks say no more than they must."""
    from matplotlib import dates as mdates

    locator = mdates.AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib types it not
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # the same
    axes.grid(axis="x", color="#eef1f4", linewidth=0.7)


def legend(axes: Axes, title: str = "") -> None:
    """Beside the plot, so that it hides nothing."""
    if axes.get_legend_handles_labels()[0]:
        made = axes.legend(
            loc="upper left", bbox_to_anchor=(1.005, 1), fontsize=8.5, title=title, frameon=False, alignment="left"
        )
        for text in made.get_texts():
            text.set_parse_math(False)


def label(value: object, longest: int = 110) -> str:
    """Text for a figure: one line, visible characters that the font has, not too long."""
    drawable = _font()
    text = "".join(c if drawable.get_char_index(ord(c)) else "\u25a1" for c in shown(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


@cache
def _font() -> Any:
    from matplotlib.font_manager import findfont, get_font

    return get_font(findfont("DejaVu Sans"))
