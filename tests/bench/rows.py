# SPDX-License-Identifier: Apache-2.0
"""What a row of the table is, and the arithmetic that rows share."""
import dataclasses
import statistics
from collections.abc import Callable


@dataclasses.dataclass
class Measured:
    """What a row's function found.

    @value:      what is held against the bar, in the row's unit
    @figures:    label and number, in the row's second unit: what @value is of
    @low, @high: the lowest and the highest @value of a round
    """
    value: float
    figures: dict = dataclasses.field(default_factory=dict)
    note: str = ""
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass
class Row:
    """One line: what is measured, how, and what it must come to."""
    measure: Callable
    what: str
    unit: str  # of the value; "" is a ratio
    figures_unit: str
    at_most: float | None
    at_least: float | None
    aim: float | None
    result: Measured | None = None
    missing: str = ""
    failed: bool = False

    @property
    def name(self):
        return self.measure.__name__

    @property
    def met(self):
        """Is the bar met? None if there is none, or nothing to hold it to."""
        if self.result is None:
            return None
        if self.at_most is not None:
            return self.result.value <= self.at_most
        if self.at_least is not None:
            return self.result.value >= self.at_least
        return None


def row(what, unit="", figures="", at_most=None, at_least=None, aim=None):
    """Make a row of a function that takes a bench and returns Measured."""
    def make(function):
        return Row(function, what, unit, figures, at_most, at_least, aim)
    return make


def in_turn(rounds, jobs):
    """Each job once a round, another one first each time.

    Return: of each name, the results, one a round.
    """
    names = list(jobs)
    results = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            results[name].append(jobs[name]())
    return results


def medians(results):
    return {name: statistics.median(values)
            for name, values in results.items()}


def compared(results, ours, theirs, best, **more):
    """Our results by the best of theirs: a median of each round's ratio."""
    theirs = [name for name in theirs if name in results]
    by_round = [results[ours][turn] /
                best(results[name][turn] for name in theirs)
                for turn in range(len(results[ours]))]
    return Measured(statistics.median(by_round), medians(results),
                    low=min(by_round), high=max(by_round), **more)
