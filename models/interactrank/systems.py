"""The systems that every evaluation compares: the model and its ablations, told apart by flags."""
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """`towers`: the system whose trained towers this one uses; only its fusion is its own then."""

    name: str
    title: str
    sequence: bool
    cross: bool
    caller: bool
    fusion: str
    towers: str


SYSTEMS = (
    System("two_tower", "two-tower", sequence=False, cross=False, caller=False, fusion="linear", towers="two_tower"),
    System("sequence", "+ sequence", sequence=True, cross=False, caller=False, fusion="linear", towers="sequence"),
    System("cross", "+ cross", sequence=False, cross=True, caller=False, fusion="linear", towers="cross"),
    System(
        "interactrank_linear", "InteractRank (linear)", sequence=True, cross=True, caller=False, fusion="linear",
        towers="interactrank_linear",
    ),
    System(
        "interactrank_mlp", "InteractRank (mlp)", sequence=True, cross=True, caller=False, fusion="mlp",
        towers="interactrank_linear",
    ),
    System(
        "interactrank_lexical", "InteractRank + lexical", sequence=True, cross=True, caller=True, fusion="mlp",
        towers="interactrank_linear",
    ),
)


def system_named(name: str) -> System:
    for system in SYSTEMS:
        if system.name == name:
            return system
    raise ValueError(f"system {name!r} is unknown; expected one of {', '.join(s.name for s in SYSTEMS)}")
