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
from ledger.store.state import RowsDamaged
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
    restore_rows,
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
from ops.cli.explaining import App
from ops.cli.output import ENVIRONMENT, READER_GONE, USAGE, Problem, error, give_up, tell, unheard, write
from ops.problems import EnvironmentProblem
from ops.version import told_version
from projections.feed.port import Broken
from projections.kafka.access import BrokerProblem
from projections.tracking import NotBuilt

ABOUT = """A double-entry ledger for the social security card.

Commands are recorded as events. Views of them are brought up to date by `follow`, and answer questions.

\b
Example:
  onecard submit day.jsonl
  onecard follow --until-caught-up
  onecard trial-balance
"""
MORE = """
Each says more by --help. Tables are for people: yuan, and China's time. Questions
take --json, one document (docs/answers.md): whole fen (_fen), instants in UTC.

Exit codes: 0 done; 1 something was found or refused; 2 wrong usage; 3 the
surroundings do not work (database, Kafka, secret, settings); 130 interrupted.

Settings are environment variables, such as ONECARD_HOME, the folder of the store
(.onecard unless it is set): README.md lists them.
"""
FIRST, RECORDING, ASKING, BUSINESS, RUNNING, KAFKA = (
    "To begin with", "Recording", "A card, and the books", "By business", "Running it", "Kafka",
)  # fmt: skip
ANOTHER_LAYOUT: Final = (
    "Another version of the program made this view, with other tables: run `onecard rebuild VIEW --force`, or"
    " `onecard rebuild --all --force`, and repeat the command"
)
# The library's own exceptions for wrong usage, whatever module they live in.
UsageError: Final[type[Exception]] = typer.BadParameter.__bases__[0]

app = App(
    name="onecard",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        write(f"{told_version()}\n".encode())
        raise typer.Exit


@app.callback(help=ABOUT, epilog=MORE)
def onecard(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the program's version.")
    ] = False,
) -> None:
    """What may be asked of the program itself, before any command."""


app.command("demo", rich_help_panel=FIRST)(demo.demo)
app.command("simulate", rich_help_panel=FIRST)(simulate.simulate)
app.command("submit", rich_help_panel=RECORDING)(submit.submit)
app.command("tick", rich_help_panel=RECORDING)(tick.record_due)
app.command("balance", rich_help_panel=ASKING)(books.balance)
app.command("history", rich_help_panel=ASKING)(audit.history)
app.command("explain", rich_help_panel=ASKING)(audit.explain)
app.command("statement", rich_help_panel=ASKING)(audit.statement)
app.command("person", rich_help_panel=ASKING)(persons.person)
app.command("enterprise", rich_help_panel=ASKING)(enterprises.enterprise)
app.command("accounts", rich_help_panel=ASKING)(books.accounts)
app.command("trial-balance", rich_help_panel=ASKING)(books.trial_balance)
app.command("verify", rich_help_panel=ASKING)(verify.verify)
app.add_typer(clearing.clearing, name="clearing", rich_help_panel=BUSINESS)
payouts.payouts.command("list")(benefits.batches)
payouts.payouts.command("show")(benefits.batch)
payouts.payouts.command("overpayments")(benefits.overpayments)
app.add_typer(payouts.payouts, name="payouts", rich_help_panel=BUSINESS)
app.command("budgets", rich_help_panel=BUSINESS)(benefits.budgets)
app.add_typer(transit.transit, name="transit", rich_help_panel=BUSINESS)
app.add_typer(passes.passes, name="passes", rich_help_panel=BUSINESS)
app.add_typer(vouchers.vouchers, name="vouchers", rich_help_panel=BUSINESS)
app.add_typer(merchants.merchants, name="merchants", rich_help_panel=BUSINESS)
app.add_typer(loans.loans, name="loans", rich_help_panel=BUSINESS)
app.add_typer(entitlements.entitlements, name="entitlements", rich_help_panel=BUSINESS)
app.add_typer(services.services, name="services", rich_help_panel=BUSINESS)
app.command("status", rich_help_panel=RUNNING)(operations.status)
app.command("follow", rich_help_panel=RUNNING)(follow.follow)
app.command("lag", rich_help_panel=RUNNING)(lag.lag)
app.add_typer(incidents.incidents, name="incidents", rich_help_panel=RUNNING)
app.command("rebuild", rich_help_panel=RUNNING)(rebuild.rebuild)
app.command("restore-rows", rich_help_panel=RUNNING)(restore_rows.restore_rows)
app.add_typer(config.config, name="config", rich_help_panel=RUNNING)
app.command("serve", rich_help_panel=RUNNING)(serve.serve)
app.command("bench", rich_help_panel=RUNNING)(bench.bench)
app.add_typer(topics.topics, name="topics", rich_help_panel=KAFKA)
app.command("relay", rich_help_panel=KAFKA)(relay.relay)
app.command("restore-tail", rich_help_panel=KAFKA)(relay.restore_tail)
operations.schemas.command("export")(serve.export)
app.add_typer(operations.schemas, name="schemas", rich_help_panel=KAFKA)


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
    except psycopg.errors.ReadOnlySqlTransaction as refused:
        message = (
            f"The database may only be read ({refused.diag.message_primary}): ONECARD_DATABASE_URL names a standby, or"
            " an administrator has made it so. Name the server that is written to; of several hosts"
            " target_session_attrs=read-write finds it."
        )
        return error(ENVIRONMENT, "environment", message, as_json)
    except (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted) as damaged:
        message = (
            f"The database's own files are damaged ({damaged.diag.message_primary}): stop whatever writes to it, and"
            " see docs/operating.md for restoring it."
        )
        return error(ENVIRONMENT, "environment", message, as_json)
    except RowsDamaged as damaged:
        message = (
            f"What decisions remember is damaged ({damaged}), and nothing is recorded by it: run `onecard verify`, and"
            " see findings D in docs/operating.md."
        )
        return error(ENVIRONMENT, "environment", message, as_json)
    except OSError as failed:
        message = f"{failed.filename or 'The output cannot be written'}: {failed.strerror or failed}."
        give_up(sys.stdout)
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
