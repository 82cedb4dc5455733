"""What a catalogue of cases lacks, or has too much of, against the registry and the contract: each as a sentence."""

from collections.abc import Iterable, Set

from tests.catalogue.case import Case


def gaps(
    registered: Set[str], pairs: Set[tuple[str, str]], accepted: Iterable[Case], refused: Iterable[Case]
) -> list[str]:
    """Nothing, if every registered command has a recorded case and exactly the pairs of the contract are caused."""
    known = {command for command, _ in pairs if command}
    recorded = {case.command for case in accepted}
    caused = {case.pair for case in refused}
    told = [f"{name} is registered, and contract.py does not say how it is refused" for name in registered - known]
    told += [f"{name} is in contract.py, and no command of the registry" for name in known - registered]
    told += [f"{name} has no case in which it is recorded" for name in (known | registered) - recorded]
    told += [f"{command} has no case that causes {code}" for command, code in pairs - caused]
    told += [f"{command} has a case for {code}, which contract.py does not list" for command, code in caused - pairs]
    return sorted(told)
