"""The machine sizes of the twin's region: family, cores and graphics cards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sku:
    name: str
    family: str
    cores: int
    gpus: int
    memory_gb: int


SKUS = {
    one.name.lower(): one
    for one in (
        Sku("Standard_DS3_v2", "standardDSv2Family", 4, 0, 14),
        Sku("Standard_NC4as_T4_v3", "Standard NCASv3_T4 Family", 4, 1, 28),
        Sku("Standard_NC24ads_A100_v4", "StandardNCADSA100v4Family", 24, 1, 220),
        Sku("Standard_NC40ads_H100_v5", "StandardNCadsH100v5Family", 40, 1, 320),
    )
}

# Cores of a new subscription's quota, generous enough not to be met by accident.
DEDICATED_CORES = 300
LOW_PRIORITY_CORES = 100


def sku(name: str) -> Sku:
    """Return the size; an unknown one counts as one core without a card."""
    return SKUS.get(name.lower(), Sku(name, f"{name}Family", 1, 0, 4))
