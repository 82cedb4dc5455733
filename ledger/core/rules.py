"""The rules that are configuration (contract 0.10): each key, whose it is, what it may be and who asks for it.

One table, from which entries are checked, the documented example is written and `onecard config` is shown.
"""

from dataclasses import dataclass
from typing import Any, Final

from ledger.core.fields import AMOUNT_MAX

# Narrowest scope that an entry of the key may have, as it is written in an entry.
LEDGER, PROVINCE, PROGRAMME = "*", "34", "34:programme"
# What a value is.
FLAG, NUMBER, WORD, DATES = "true or false", "a whole number", "a word", "a list of dates"
MOST_DATES: Final = 2_000
# By the unit a key ends in, so that no date or instant of the contract can be moved out of the calendar.
HIGHEST: Final = {"fen": AMOUNT_MAX, "months": 1_200, "years": 100, "days": 36_500}
HIGHEST_OF_OTHERS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One key. `whose`: the province that decides. `default` None: none, or as `otherwise` says."""

    key: str
    default: Any
    meaning: str
    used_by: tuple[str, ...]
    scope: str = PROVINCE
    whose: str = ""
    unit: str = ""
    otherwise: str = ""
    words: tuple[str, ...] = ()
    most: int = 0

    @property
    def kind(self) -> str:
        if self.words:
            return WORD
        if isinstance(self.default, bool):
            return FLAG
        return DATES if isinstance(self.default, list) else NUMBER

    def wants(self) -> str:
        """What a value of this key must be, in words."""
        if self.kind == NUMBER:
            return f"a whole number, 0 to {self.highest}"
        return {WORD: " or ".join(self.words), DATES: f"a list of at most {MOST_DATES} dates"}.get(self.kind, FLAG)

    def takes(self, value: Any) -> bool:
        if self.kind == NUMBER:
            return type(value) is int and 0 <= value <= self.highest
        if self.kind == DATES:
            return isinstance(value, list) and len(value) <= MOST_DATES
        return value in self.words if self.kind == WORD else isinstance(value, bool)

    @property
    def highest(self) -> int:
        return self.most or HIGHEST.get(self.key.replace(".", "_").rpartition("_")[2], HIGHEST_OF_OTHERS)


_ALL: Final = (
    Rule(
        "clock.future_tolerance_seconds",
        300,
        "How far occurred_at may lie ahead of the ledger's clock; later ones are refused as occurred_at_in_future.",
        ("every command",),
        scope=LEDGER,
        unit="seconds",
    ),
    Rule(
        "calendar.holidays",
        [],
        "Days that are no working days although they fall on Monday to Friday. A later entry replaces the whole list.",
        ("ApproveBatch", "ReportLoss"),
        scope=LEDGER,
        unit="dates",
    ),
    Rule(
        "calendar.workdays",
        [],
        "Days that are working days although they fall on a weekend or are holidays. A later entry replaces the list.",
        ("ApproveBatch", "ReportLoss"),
        scope=LEDGER,
        unit="dates",
    ),
    Rule(
        "card.temporary_loss_days",
        5,
        "Days after which a temporary loss ends by itself.",
        ("ReportLoss",),
        whose="the card's",
        unit="days",
    ),
    Rule(
        "card.temporary_loss_working_days",
        False,
        "Whether these days are working days.",
        ("ReportLoss",),
        whose="the card's",
    ),
    Rule(
        "card.formal_loss_liftable",
        True,
        "Whether a formal loss can be lifted; if not, the card is replaced.",
        ("LiftLoss",),
        whose="the card's",
    ),
    Rule(
        "card.guardian_below_age",
        16,
        "Below this age of the holder a card is issued only with a guardian.",
        ("IssueCard",),
        whose="the card's",
        unit="years of age",
    ),
    Rule(
        "payout.disclosure_working_days",
        None,
        "Working days a published roster hangs out before its batch may be approved.",
        ("ApproveBatch",),
        scope=PROGRAMME,
        whose="the batch's",
        unit="working days",
        otherwise="7 for a batch of kind RURAL_SUBSIDY, else 0",
    ),
    Rule(
        "payout.ceiling_fen",
        None,
        "The most that a beneficiary's lines of a programme may pay in a calendar year.",
        ("AddPayoutLine", "ReissueBenefit"),
        scope=PROGRAMME,
        whose="the batch's",
        unit="fen",
        otherwise="no ceiling",
    ),
    Rule(
        "medical.registration_required_inpatient",
        True,
        "Whether inpatient care in another province needs a registration.",
        ("SettleMedical",),
        whose="the home",
    ),
    Rule(
        "medical.registration_required_other",
        False,
        "Whether other care in another province needs a registration. Emergencies never do.",
        ("SettleMedical",),
        whose="the home",
    ),
    Rule(
        "medical.temporary_registration_months",
        6,
        "How long a temporary registration must hold at least, and holds when its end is not given.",
        ("RegisterTreatment",),
        whose="the home",
        unit="months",
    ),
    Rule(
        "medical.registration_lock_months",
        6,
        "From its first day on, how long a long-term registration can be neither replaced nor ended.",
        ("RegisterTreatment", "EndTreatmentRegistration"),
        whose="the home",
        unit="months",
    ),
    Rule(
        "medical.clear_personal_account",
        True,
        "Whether what a bill took from the personal account is cleared between the provinces, too.",
        ("SettleMedical",),
        whose="the home",
    ),
    Rule(
        "family_aid.max_transfer_fen",
        200_000,
        "The most that one transfer of the wallet, so between provinces, may move.",
        ("TransferFamilyAid",),
        whose="the giver's",
        unit="fen",
    ),
    Rule(
        "family_aid.max_transfers_per_day",
        3,
        "How many transfers of the wallet, so between provinces, one giver may make on a business date.",
        ("TransferFamilyAid",),
        whose="the giver's",
        unit="transfers",
    ),
    Rule(
        "transit.offline_grace_fen",
        1_000,
        "How far a tap or its correction may take a purse below zero, since gates decide offline.",
        ("TapTransit", "CorrectFare"),
        whose="the card's",
        unit="fen",
    ),
    Rule(
        "transit.late_days",
        30,
        "A tap that is uploaded later than this is refused.",
        ("TapTransit",),
        whose="the operating",
        unit="days",
    ),
    Rule(
        "transit.blacklist_delay_minutes",
        1_440,
        "How long gates may still let a card pass after it was blocked.",
        ("TapTransit",),
        whose="the operating",
        unit="minutes",
    ),
    Rule(
        "transit.journey_timeout_minutes",
        240,
        "How long after its entry a journey without an exit may be corrected as MISSING_EXIT.",
        ("CorrectFare",),
        whose="the operating",
        unit="minutes",
    ),
    Rule(
        "transit.day_cut_minutes",
        180,
        "When an operating day begins, in minutes after midnight: 180 is 03:00.",
        ("TapTransit", "CorrectFare", "CloseTransitDay"),
        whose="the operating",
        unit="minutes after midnight",
        most=1_439,
    ),
    Rule(
        "transit.purse_max_fen",
        100_000,
        "The most a purse may hold after a top-up.",
        ("TopUpPurse",),
        whose="the card's",
        unit="fen",
    ),
    Rule(
        "pass.activation_days",
        90,
        "Days after its purchase on which a pass that nobody activated becomes active by itself.",
        ("PurchasePass",),
        whose="the seller's",
        unit="days",
    ),
    Rule(
        "clearing.negative_pair",
        "FLIP",
        "A pair whose sum is negative: FLIP turns payer and payee round, CARRY takes it to the next cycle.",
        ("IssueNotice",),
        whose="the home",
        words=("FLIP", "CARRY"),
    ),
    Rule(
        "clearing.max_deferrals",
        2,
        "How often a line may be deferred before it counts as an alarm of the cut-off.",
        ("CutOffCycle",),
        scope=LEDGER,
        unit="cut-offs",
    ),
    Rule(
        "prepayment.multiple",
        2,
        "How many times the monthly mean a prepayment must be when the last quarter's sum is stated with it.",
        ("SetPrepayment",),
        whose="the home",
        unit="times",
    ),
    Rule(
        "prepayment.yellow_percent",
        70,
        "From this share of the prepayment on, what a closed cycle makes payable raises a YELLOW alert.",
        ("RaisePrepaymentAlert",),
        scope=LEDGER,
        unit="percent",
    ),
    Rule(
        "prepayment.red_percent",
        90,
        "From this share of the prepayment on the alert is RED.",
        ("RaisePrepaymentAlert",),
        scope=LEDGER,
        unit="percent",
    ),
    Rule(
        "retention.years",
        30,
        "How long after the last posting on any card of a person the person's key must be kept.",
        ("DestroyPersonKey",),
        scope=LEDGER,
        unit="years",
    ),
)
RULES: Final = {rule.key: rule for rule in _ALL}
