"""How one broker is set up. `compose.yaml` says the same in its own words, and a test compares the two."""

from dataclasses import dataclass

NODE = 1
ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
# Clients log in at CLIENTS. LOCAL asks for no password and may do everything: it listens on this machine alone.
CLIENTS, LOCAL, CONTROLLER = "CLIENTS", "LOCAL", "CONTROLLER"
_PROTOCOLS = {CLIENTS: "SASL_PLAINTEXT", LOCAL: "PLAINTEXT", CONTROLLER: "PLAINTEXT"}
_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"

ALWAYS = {
    "process.roles": "broker,controller",
    "node.id": str(NODE),
    "controller.listener.names": CONTROLLER,
    "inter.broker.listener.name": LOCAL,
    "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in _PROTOCOLS.items()),
    "sasl.enabled.mechanisms": MECHANISM,
    # Without this line the broker dies at its start.
    f"listener.name.{CLIENTS.lower()}.{MECHANISM.lower()}.sasl.jaas.config": _LOGIN,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:ANONYMOUS;User:{ADMIN}",
    # A topic that nobody declared is a mistake, not a topic.
    "auto.create.topics.enable": "false",
    "delete.topic.enable": "true",
    "group.initial.rebalance.delay.ms": "0",
    # A node that hung for longer than this would lose its partitions to nobody, and the end of a transaction with them
    # (docs/adr/0025): with one node, nothing is gained by noticing.
    "broker.session.timeout.ms": "600000",
    # With it, a stop would take the leaders away first while transactions are still being ended, to the same end.
    "controlled.shutdown.enable": "false",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


@dataclass(frozen=True)
class Ports:
    """Where the three listeners of one broker are, all on 127.0.0.1."""

    clients: int
    local: int
    controller: int

    def address(self, listener: str) -> str:
        """host:port of one listener."""
        return f"127.0.0.1:{getattr(self, listener.lower())}"


def server_properties(ports: Ports, data: str) -> dict[str, str]:
    """All that the broker is told."""
    listeners = ",".join(f"{name}://{ports.address(name)}" for name in _PROTOCOLS)
    return ALWAYS | {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "controller.quorum.bootstrap.servers": ports.address(CONTROLLER),
        "log.dirs": data,
    }


def controller_properties(ports: Ports, data: str) -> dict[str, str]:
    """The same node as a controller alone, which gives up a registration that nobody speaks for at once."""
    address = f"{CONTROLLER}://{ports.address(CONTROLLER)}"
    told = server_properties(ports, data) | {
        "process.roles": "controller",
        "listeners": address,
        "advertised.listeners": address,
        "broker.session.timeout.ms": "200",
        "broker.heartbeat.interval.ms": "50",
    }
    # A controller alone refuses to be told where brokers speak to each other.
    del told["inter.broker.listener.name"]
    return told


def written(properties: dict[str, str]) -> str:
    """As a Java properties file."""
    return "".join(f"{name}={_escaped(value)}\n" for name, value in properties.items())


def read(text: str) -> dict[str, str]:
    """The other way round, for a file that we wrote."""
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value.replace("\\\\", "\\") for name, _, value in lines}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")
