# SPDX-License-Identifier: GPL-2.0
"""The tree that is checked, and what all checks share."""

import os
import re
import subprocess

CACHE = os.environ.get("KSWORKER_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/tmp"), ".cache"), "ksworker")


class Missing(Exception):
    """A tool is not there; the text names it and its package."""

    def __init__(self, tool, package):
        super().__init__(f"{tool} is missing: apt-get install {package}")


def run(arguments, where=None, timeout=600, stderr=subprocess.STDOUT):
    """Runs a program: its exit code and what it printed on both outputs."""
    try:
        done = subprocess.run(arguments, cwd=where, timeout=timeout, check=False, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
    except OSError as error:
        return 127, f"{arguments[0]}: {error.strerror}"
    except subprocess.TimeoutExpired as expired:
        return 124, f"{expired.stdout or ''}\n{arguments[0]} was stopped after {timeout} s"
    return done.returncode, done.stdout


def need(tool, package):
    """The path of a program, or Missing with the package that has it."""
    for directory in [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin"]:
        path = os.path.join(directory, tool)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise Missing(tool, package)


def without_comments(text):
    """C text with comments and the insides of strings blanked; lines stay where they are."""
    def blank(match):
        token = match[0]
        if token[0] in "\"'":
            return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
        return re.sub(r"[^\n]", " ", token)
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text, flags=re.S)


class Tree:
    """The files that git knows or would take; without git, all but build/."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        code, listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], self.root)
        if code == 0 and os.path.exists(os.path.join(self.root, ".git")):
            names = listed.split("\0")
        else:
            names = [os.path.relpath(os.path.join(directory, name), self.root)
                     for directory, _, files in os.walk(self.root) for name in files]
        self.files = sorted({name for name in names if name and not re.match(r"(?:build|\.git)/", name)
                             and os.path.isfile(os.path.join(self.root, name))})
        self.texts = {}

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        if name not in self.texts:
            with open(self.path(name), encoding="utf-8", errors="replace", newline="") as file:
                self.texts[name] = file.read()
        return self.texts[name]

    def numbered(self, name):
        return enumerate(self.text(name).splitlines(), 1)

    def matching(self, pattern):
        return [name for name in self.files if re.fullmatch(pattern, name)]

    def c_files(self):
        return self.matching(r".*\.[ch]")

    def core(self):
        """The module's own .c files."""
        return self.matching(r"ksworker[^/]*\.c")

    def shebang(self, name):
        first = self.text(name).split("\n", 1)[0]
        return first if first.startswith("#!") else ""

    def python_files(self):
        return [name for name in self.files if name.endswith(".py") or "python" in self.shebang(name)]

    def shell_files(self):
        return [name for name in self.files if re.search(r"\b(?:ba|da|a)?sh\b", self.shebang(name))
                or name.endswith(".sh")]
