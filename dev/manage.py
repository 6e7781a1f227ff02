"""`make manage ARGS="..."`: manage.py with the settings of the stack that `make run` has started."""

import json
import os
import sys

from dev.run import ROOT, RUN_FILE

if __name__ == "__main__":
    if not RUN_FILE.exists():
        sys.exit("nothing runs: start `make run` first")
    os.chdir(ROOT)
    environment = os.environ | json.loads(RUN_FILE.read_text())["env"]
    os.execve(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]], environment)
