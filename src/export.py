"""Export a trained run: `python -m src.export run=... format=onnx`, or `--help`."""

import sys
from pathlib import Path

from src.options import Option, options_or_help
from src.program import run_program
from src.runs.trust import TRUST_HELP, trust

OPTIONS = (
    Option("run", "the run folder that training left, or latest", required=True),
    Option("format", "what to write", choices=("safetensors", "onnx", "torch_export"), required=True),
    Option("output", "folder for the export; <run>/export/<format> where not given"),
    Option("checkpoint", "which state of the model", "best", choices=("best", "last")),
    Option("overwrite", "whether files of an earlier export may be replaced", False, kind=bool),
    Option("trust", TRUST_HELP),
)
EXAMPLES = (
    ("python -m src.export run=latest format=onnx", "model.onnx: onnxruntime, without torch"),
    ("python -m src.export run=latest format=safetensors", "model.safetensors: the weights alone, without any code"),
    ("python -m src.export run=latest format=torch_export", "model.pt2: torch.export.load, without this project"),
)


def main() -> None:
    """Read the command line, export, and show how far the export is from the run."""
    purpose = "Export a trained run with its tokenizer.json and config.json, checked against the run on real reviews."
    options = options_or_help(sys.argv[1:], OPTIONS, program="python -m src.export", purpose=purpose, examples=EXAMPLES)

    trust(options["trust"])

    from src.exporting.exporter import check_installed, export_run  # torch: 2 s that a typo need not wait for
    from src.exporting.parity import MOST_DIFFERENCE, ParityError, table
    from src.inference.run_folder import find_run, read_run

    name = options["format"]
    check_installed(name)
    folder = find_run(options["run"])
    output = Path(options["output"]) if options["output"] else folder / "export" / name
    run = read_run(folder, checkpoint=options["checkpoint"])
    try:
        differences = export_run(run, name=name, output=output, overwrite=options["overwrite"])
    except ParityError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(table(differences))
    worst = max(one.largest for one in differences)
    print(f"The export says what the run says: {worst:.1e} at most, where {MOST_DIFFERENCE:g} is allowed.")
    for path in sorted(output.iterdir()):
        print(f"{path.stat().st_size / 1e6:>10,.2f} MB  {path}")


if __name__ == "__main__":
    run_program(main)
