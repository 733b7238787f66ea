"""The bot pays for the contract with the trainer in milliseconds, not in imports."""

import json
import subprocess
import sys

HEAVY = {
    *("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers"),
    *("mlflow", "numpy", "pandas", "pyarrow", "azure", "aiohttp", "sqlalchemy", "bot"),
}
LIST_MODULES = """
import importlib, json, pkgutil, sys
import trainer.contract
for module in pkgutil.walk_packages(trainer.contract.__path__, "trainer.contract."):
    importlib.import_module(module.name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_the_whole_contract_loads_nothing_heavy() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LIST_MODULES], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(json.loads(listed.stdout))
