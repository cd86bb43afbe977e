import sys
from pathlib import Path
from .vectors import run
sys.exit(0 if run(Path(sys.argv[2])) else 1)
