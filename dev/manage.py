"""`make manage ARGS="..."` runs manage.py with the settings of the stack that `make run` has started. `make demo-data`
runs `python -m demo` with them."""

import json
import os
import sys

from dev.run import ROOT, RUN_FILE

if __name__ == "__main__":
    if not RUN_FILE.exists():
        sys.exit("nothing runs: start `make run` first")
    os.chdir(ROOT)
    environment = os.environ | json.loads(RUN_FILE.read_text())["env"]
    arguments = ["-m", *sys.argv[1:]] if sys.argv[1:2] == ["demo"] else ["manage.py", *sys.argv[1:]]
    os.execve(sys.executable, [sys.executable, *arguments], environment)
