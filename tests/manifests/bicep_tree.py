"""Print the syntax trees of Bicep files as JSON; run with the scanners' Python, which has pycep."""

import json
import sys
from pathlib import Path

from pycep import BicepParser

parser = BicepParser()
trees = {name: parser.parse(text=Path(name).read_text("utf-8")) for name in sys.argv[1:]}
json.dump(trees, sys.stdout, default=str)
