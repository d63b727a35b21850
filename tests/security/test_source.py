"""The source starts no shell, unpickles nothing, evaluates no text, and no line asks the linter to look away."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "feilun"
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "pty"}
HARMLESS = {"yaml": {"BaseLoader", "compose", "MappingNode", "Node", "ScalarNode", "SequenceNode", "YAMLError"}}
"""What may be imported of them: what reads YAML as a tree of texts, and makes nothing of it."""
BARE = {"eval", "exec", "compile", "breakpoint"}
CALLS = {
    "torch.load", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "yaml.load",
    "yaml.unsafe_load", "numpy.load", "np.load", "joblib.load", "pandas.read_pickle", "asyncio.create_subprocess_shell",
}  # fmt: skip
UNTRUE = {"shell": False, "allow_pickle": False, "trust_remote_code": False, "weights_only": True}
"""The only value that these arguments may have."""
QUIETED = re.compile(r"#\s*noqa:?[^#]*\bS(102|30[1267]|506|60[2459]|614)\b")


def faults(tree: ast.AST) -> list[str]:
    """Return what a module does that none may."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            if not {alias.name for alias in node.names} <= HARMLESS.get(str(node.module), set()):
                found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS or (isinstance(node.func, ast.Name) and name in BARE):
                found.append(name)
            for argument in node.keywords:
                only = UNTRUE.get(argument.arg or "")
                if argument.arg in UNTRUE and not (
                    isinstance(argument.value, ast.Constant) and argument.value.value is only
                ):
                    found.append(f"{name}({argument.arg}=…)")
        elif isinstance(node, ast.Dict):  # options that are passed on with **
            for key, value in zip(node.keys, node.values, strict=True):
                only = UNTRUE.get(key.value if isinstance(key, ast.Constant) else "")
                if only is not None and isinstance(value, ast.Constant) and value.value is not only:
                    found.append(ast.unparse(key))
    return found


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_runs_what_it_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert faults(ast.parse(text)) == []
    assert QUIETED.search(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from dill import loads", "eval(x)", "torch.load(f)", "subprocess.run(c, shell=True)",
        "numpy.load(f)", "AutoModel.from_pretrained(f, trust_remote_code=flag)", "yaml.load(t)",
        "options = {'trust_remote_code': True}", "import joblib.pool",
        "from yaml import BaseLoader, load", "import yaml",
    ],
)  # fmt: skip
def test_the_test_sees_what_it_looks_for(text: str) -> None:
    assert faults(ast.parse(text))


def test_harmless_lines_pass() -> None:
    assert not faults(ast.parse("re.compile(p)\nmodel.eval()\nrun(c, shell=False)\nx = {'trust_remote_code': False}"))
    assert not faults(ast.parse("from yaml import BaseLoader, compose"))
