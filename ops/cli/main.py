"""`onecard`: the list of its commands, and what becomes of an error.

A command is a function in a file named after its business; adding one is one line here.
"""

import os
import sys
from typing import Annotated, Final

import psycopg
import typer

from ledger.service.session import StoreUnreachable
from ledger.store.identity import StoreMismatch
from ops.cli import (
    audit,
    bench,
    benefits,
    books,
    clearing,
    config,
    demo,
    enterprises,
    entitlements,
    follow,
    incidents,
    lag,
    loans,
    merchants,
    operations,
    passes,
    payouts,
    persons,
    rebuild,
    relay,
    serve,
    services,
    simulate,
    submit,
    tick,
    topics,
    transit,
    verify,
    vouchers,
)
from ops.cli.output import ENVIRONMENT, READER_GONE, USAGE, Problem, error, tell, unheard, write
from ops.problems import EnvironmentProblem
from ops.version import told_version
from projections.feed.port import Broken
from projections.kafka.access import BrokerProblem
from projections.tracking import NotBuilt

ABOUT = """A double-entry ledger for the social security card.

\b
Example:
  onecard submit day.jsonl
  onecard follow --until-caught-up
  onecard trial-balance
"""
RECORDING, ASKING, RUNNING = "Recording", "Asking", "Running"
ANOTHER_LAYOUT: Final = (
    "Another version of the program made this view, with other tables: run `onecard rebuild VIEW --force`, or"
    " `onecard rebuild --all --force`, and repeat the command"
)
# The library's own exceptions for wrong usage, whatever module they live in.
UsageError: Final[type[Exception]] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="onecard",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        write(f"{told_version()}\n".encode())
        raise typer.Exit


@app.callback(help=ABOUT)
def onecard(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the program's version.")
    ] = False,
) -> None:
    """What may be asked of the program itself, before any command."""


app.command("demo")(demo.demo)
app.command("submit")(submit.submit)
app.command("tick")(tick.record_due)
app.command("simulate")(simulate.simulate)
app.command("balance")(books.balance)
app.command("accounts")(books.accounts)
app.command("trial-balance")(books.trial_balance)
app.command("budgets")(benefits.budgets)
app.command("history")(audit.history)
app.command("explain")(audit.explain)
app.command("statement")(audit.statement)
app.command("person")(persons.person)
app.command("enterprise")(enterprises.enterprise)
app.command("follow")(follow.follow)
app.command("rebuild")(rebuild.rebuild)
app.command("lag")(lag.lag)
app.command("serve")(serve.serve)
operations.schemas.command("export")(serve.export)
app.command("verify")(verify.verify)
app.command("status")(operations.status)
app.command("bench")(bench.bench)
app.add_typer(config.config, name="config")
app.add_typer(incidents.incidents, name="incidents")
app.add_typer(clearing.clearing, name="clearing")
payouts.payouts.command("list")(benefits.batches)
payouts.payouts.command("show")(benefits.batch)
payouts.payouts.command("overpayments")(benefits.overpayments)
app.add_typer(payouts.payouts, name="payouts")
app.add_typer(loans.loans, name="loans")
app.add_typer(entitlements.entitlements, name="entitlements")
app.add_typer(services.services, name="services")
app.add_typer(transit.transit, name="transit")
app.add_typer(passes.passes, name="passes")
app.add_typer(vouchers.vouchers, name="vouchers")
app.add_typer(merchants.merchants, name="merchants")
app.add_typer(operations.schemas, name="schemas")
app.command("relay")(relay.relay)
app.command("restore-tail")(relay.restore_tail)
app.add_typer(topics.topics, name="topics")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:
        return _reader_gone()


def _run(given: list[str]) -> int:
    as_json = "--json" in given[: given.index("--")] if "--" in given else "--json" in given
    if not _has_streams():
        return ENVIRONMENT
    try:
        # Not by the library's own `main`: it makes exit code 1 of a reader that went away.
        command = typer.main.get_command(app)
        with command.make_context("onecard", [*given]) as context:
            code = command.invoke(context)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Exit as ended:
        sys.stdout.flush()
        return ended.exit_code
    except BrokenPipeError:
        raise
    except UsageError as wrong:
        return _wrong_usage(wrong, as_json)
    except Problem as problem:
        return error(problem.exit_code, problem.code, str(problem), as_json)
    except (EnvironmentProblem, StoreMismatch, NotBuilt, Broken) as problem:
        return error(ENVIRONMENT, "environment", f"{str(problem).removesuffix('.')}.", as_json)
    except BrokerProblem as problem:
        return error(ENVIRONMENT, "environment", str(problem), as_json)
    except (StoreUnreachable, psycopg.OperationalError, psycopg.InterfaceError) as lost:
        message = f"The database does not answer ({reason(lost)}). What was recorded is safe: repeat the command."
        return error(ENVIRONMENT, "environment", message, as_json)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as other:
        return error(ENVIRONMENT, "environment", f"{ANOTHER_LAYOUT} ({other.diag.message_primary}).", as_json)
    except psycopg.errors.InsufficientPrivilege as refused:
        message = f"The database user lacks a right ({refused.diag.message_primary}): see docs/operating.md."
        return error(ENVIRONMENT, "environment", message, as_json)
    except OSError as failed:
        message = f"{failed.filename or 'The output'}: {failed.strerror or failed}."
        return error(ENVIRONMENT, "environment", message, as_json and failed.filename is not None)
    except KeyboardInterrupt:
        tell("onecard: interrupted.")
        return 130


def _reader_gone() -> int:
    """The reader had enough, as `head` has: nothing to say, and nobody to say it to."""
    unheard(sys.stdout, sys.stderr)
    return READER_GONE


def _has_streams() -> bool:
    """Whether stdout is open, as a scheduler may not have it; a closed stderr is no reason not to work."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")
    if sys.stdout is None:
        tell("onecard: stdout is closed, and answers have nowhere to go: send it to a file or to /dev/null.")
        return False
    return True


def reason(lost: Exception) -> str:
    """The gist of what the client library says, without where it says it."""
    text = str(lost).strip().splitlines() or ["no answer"]
    return text[0].rpartition("failed: ")[2].strip().removesuffix(".")


def _wrong_usage(wrong: Exception, as_json: bool) -> int:
    message = wrong.format_message() if hasattr(wrong, "format_message") else str(wrong)
    context = getattr(wrong, "ctx", None)
    if not message or message.startswith("Usage:"):
        tell(message.rstrip())
        return USAGE
    if context is not None and not as_json:
        tell(f"{context.get_usage()}\nTry `{context.command_path} --help`.\n")
    return error(USAGE, "usage", message, as_json)
