# SPDX-License-Identifier: GPL-2.0
"""Checks by other people's tools: the kernel's scripts, shellcheck, codespell, unittest."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from checks.tree import CACHE, Missing, need, run

SOURCE = "linux-source-6.12"
# what checkpatch is told to ignore, and why
IGNORED = {
    "CAMELCASE": "the public names are Windows'",
    "NEW_TYPEDEFS": "the public types are Windows'",
    "FILE_PATH_CHANGES": "asks for the kernel's MAINTAINERS, which this tree has not",
}
COMPAT = {
    "LINUX_VERSION_CODE": "it is the one file that may test the version",
    "CONSTANT_COMPARISON": "LINUX_VERSION_CODE stands on the left, and looks like a constant",
}
IGNORED_IN = {"ksworker_compat.h": COMPAT, "samples/kscapture_compat.h": COMPAT, "ksworker_trace.h": {
    "PARENTHESIS_ALIGNMENT": "tracepoints have a form of their own, in the kernel, too",
    "OPEN_ENDED_LINE": "the same",
}, "ksworker_hooks.c": {
    "EXPORT_SYMBOL": "exports for the tests, of functions that are elsewhere",
}}
# semantic patches that are not run, and why; each run says so
LEFT_OUT = {
    "api/check_bq27xxx_data.cocci": "about one battery driver, and needs an OCaml compiler",
    "null/badzero.cocci": "needs an OCaml compiler; sparse finds a plain 0 for a pointer too",
}
DIRECTORIES = ("api", "free", "iterators", "locks", "misc", "null", "tests")


def kernel_scripts():
    """The scripts/ of the linux-source package, unpacked into the cache once for each version."""
    tarball = f"/usr/src/{SOURCE}.tar.xz"
    if not os.path.exists(tarball):
        raise Missing(tarball, SOURCE)
    _, version = run(["dpkg-query", "-W", "-f", "${Version}", SOURCE])
    final = os.path.join(CACHE, "scripts-" + re.sub(r"[^\w.~+-]", "", version.strip() or "unknown"))
    if not os.path.isdir(final):
        need("xz", "xz-utils")
        os.makedirs(CACHE, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as unpacked:
            code, out = run(["tar", "-C", unpacked, "--strip-components=1", "-xf", tarball, f"{SOURCE}/scripts"])
            if code:
                raise RuntimeError(f"{tarball} cannot be unpacked: {out}")
            try:
                os.rename(os.path.join(unpacked, "scripts"), final)
            except OSError:         # another run was quicker
                if not os.path.isdir(final):
                    raise
    return final


def checkpatch(tree):
    """checkpatch.pl --strict: 0 errors, 0 warnings, 0 checks."""
    need("perl", "perl")
    script = os.path.join(kernel_scripts(), "checkpatch.pl")
    problems = []
    # in a copy: it leaves a cache of names where it runs, and asks git about a kernel tree
    with tempfile.TemporaryDirectory() as copies:
        for name in tree.c_files():
            os.makedirs(os.path.dirname(os.path.join(copies, name)), exist_ok=True)
            shutil.copyfile(tree.path(name), os.path.join(copies, name))
            ignored = ",".join({**IGNORED, **IGNORED_IN.get(name, {})})
            code, out = run(["perl", script, "--strict", "--no-tree", "--no-summary", "--show-types", "--terse",
                             f"--ignore={ignored}", "-f", name], copies, stderr=subprocess.DEVNULL)
            if code or out.strip():
                problems.append(out.strip() or f"{name}: checkpatch exited {code}")
    return problems


def for_kernel_doc(text):
    """A source in the form that kernel-doc knows: it knows `void` but not Windows' VOID, and takes
    `NTSTATUS (KsRegisterWorker)(...)`, a name kept from its macro, for a function NTSTATUS."""
    return re.sub(r"^(\w[\w *]*[ *])\((\w+)\)\(", r"\1\2(", re.sub(r"\bVOID\b", "void", text), flags=re.M)


def kernel_doc(tree):
    """The kernel's kernel-doc reads our comments without a warning."""
    need("perl", "perl")
    script = os.path.join(kernel_scripts(), "kernel-doc")
    problems = [] if "ksworker.h" in tree.files else ["ksworker.h is missing"]
    for name in tree.matching(r"ksworker\.h") + tree.core():
        with tempfile.TemporaryDirectory() as copies:
            with open(os.path.join(copies, name), "w", encoding="utf-8") as file:
                file.write(for_kernel_doc(tree.text(name)))
            code, out = run(["perl", script, "-none", "-Wall", name], copies)
        said = [line for line in out.splitlines() if line.strip()]
        if name not in ("ksworker.h", "ksworker.c"):        # what is not public may have none
            said = [line for line in said if "no structured comments found" not in line]
            code = code if said else 0
        if said or code:
            problems.append("\n".join(said) or f"{name}: kernel-doc exited {code}")
    return problems


def coccicheck(tree):
    """The kernel's own semantic patches find nothing in our .c files."""
    spatch, scripts = need("spatch", "coccinelle"), kernel_scripts()
    sources = tree.matching(r"(?!scripts/).*\.c")
    patches = sorted(os.path.join(directory, name) for room in DIRECTORIES
                     for directory, _, names in os.walk(os.path.join(scripts, "coccinelle", room))
                     for name in names if name.endswith(".cocci"))

    def short_name(patch):
        return os.path.relpath(patch, os.path.join(scripts, "coccinelle"))

    def one(patch):
        with open(patch, encoding="utf-8") as file:
            text = file.read()
        short = short_name(patch)
        if short in LEFT_OUT:
            print(f"    coccicheck leaves out {short}: {LEFT_OUT[short]}")
            return []
        if not re.search(r"^virtual .*\breport\b", text, re.M):
            return [f"{short}: has no report mode"]
        options = [word for line in re.findall(r"^//+\s*Options:(.*)$", text, re.M) for word in line.split()]
        code, out = run([spatch, "--very-quiet", "--no-show-diff", "-D", "report", "--cocci-file", patch, *options, *sources],
                        tree.root, timeout=120, stderr=subprocess.DEVNULL)
        said = [line for line in out.splitlines() if line.strip()]
        return [f"{short}: {line}" for line in said] or ([f"{short}: spatch exited {code}"] if code else [])

    if not sources or not patches:
        return ["there is nothing to check" if not sources else f"no semantic patches in {scripts}"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for found in pool.map(one, patches) for problem in found]


def shellcheck(tree):
    """Every shell script, by its first line or its name."""
    tool, problems = need("shellcheck", "shellcheck"), []
    for name in tree.shell_files():
        dialect = ["--shell=dash"] if "busybox" in tree.shebang(name) and "shellcheck shell=" not in tree.text(name) else []
        code, out = run([tool, "--external-sources", "--source-path=SCRIPTDIR", "--format=gcc", *dialect, name], tree.root)
        if code or out.strip():
            problems.append(out.strip() or f"{name}: shellcheck exited {code}")
    return problems


def codespell(tree):
    code, out = run([need("codespell", "codespell"), "--quiet-level=3", *tree.files], tree.root)
    return [out.strip() or f"codespell exited {code}"] if code or out.strip() else []


def docs(tree):
    """make docs: man pages and HTML without a warning, and without a link that leads nowhere."""
    code, out = run([sys.executable, "-B", tree.path("scripts/docs"), "--root", tree.root, "--out", tree.path("build/check/docs")], tree.root)
    return [out.strip() or f"scripts/docs exited {code}"] if code else []


def own_tests(tree):
    """The judge's and the checks' own tests."""
    if not tree.matching(r"scripts/tests/test_\w+\.py"):
        return ["there are no tests in scripts/tests"]
    code, out = run([sys.executable, "-B", "-m", "unittest", "discover", "-s", "scripts/tests"], tree.root)
    ran = re.search(r"^Ran (\d+) tests?", out, re.M)
    return [] if code == 0 and ran and int(ran[1]) else [out.strip()]


def copied(tree, name):
    """A fresh copy of what the kernel's build reads, under build/check/."""
    where = tree.path(f"build/check/{name}")
    shutil.rmtree(where, ignore_errors=True)
    for source in tree.matching(r"(?:.*\.[ch]|(?:.*/)?(?:Kbuild|Kconfig))"):
        target = os.path.join(where, source)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(tree.path(source), target)
    return where
