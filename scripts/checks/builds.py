# SPDX-License-Identifier: GPL-2.0
"""Checks that build the modules: against every test kernel, with sparse, and README's example."""

import os
import re

from checks.tools import copied
from checks.tree import need, run, without_comments

KERNELS = "6.12-debug 6.1-debug stock-6.1 stock-6.12 stock-6.1-rt stock-6.12-rt stock-6.1-cloud stock-6.12-cloud"
COMPLAINT = re.compile(r"\b(?:warning|error)\b:|^(?:WARNING|ERROR)\b|\bUndefined\b|\*\*\* ", re.I)


def kernels():
    return (os.environ.get("KSWORKER_CHECK_KERNELS") or KERNELS).split()


def main_kernel():
    """Where one kernel is enough: our newest debug kernel, or the first there is."""
    return "6.12-debug" if "6.12-debug" in kernels() else kernels()[0]


def build_directory(tree, kernel):
    """(directory, nothing) or (None, what mkkernel said)."""
    code, out = run([tree.path("scripts/mkkernel"), kernel], tree.root, timeout=1800)
    where = os.path.join(out.strip().splitlines()[-1], "build") if code == 0 and out.strip() else ""
    if os.path.isdir(where):
        return where, ""
    return None, f"{kernel}: scripts/mkkernel exited {code}:\n{out.strip()[-2000:]}"


def make(tree, kernel, source, *arguments):
    """(exit code, output) of the kernel's build in a copy of the sources."""
    directory, problem = build_directory(tree, kernel)
    if not directory:
        return 1, f"error: {problem}"
    return run([need("make", "make"), "-C", directory, f"M={source}", f"-j{os.cpu_count()}", *arguments, "modules"], tree.root)


def w1_build(tree):
    """All modules against every kernel, without a warning; own kernels with the test hooks too."""
    if "Kbuild" not in tree.files:
        return ["Kbuild is missing"]
    problems = []
    for kernel in kernels():
        for hooks in ((), ("KSWORKER_HOOKS=1",)) if not kernel.startswith("stock-") else ((),):
            source = copied(tree, kernel + ("-hooks" if hooks else ""))
            code, out = make(tree, kernel, source, "W=1", *hooks)
            said = [line for line in out.splitlines() if COMPLAINT.search(line)]
            if code or said:
                # a complaint about a header is ours too: who included it stands above it
                shown = [line for line in out.splitlines() if COMPLAINT.search(line) or re.match(r"In file included| +from ", line)]
                problems.append(f"{kernel} {' '.join(hooks)}: make exited {code}\n" +
                                ("\n".join(shown[:12]) or out[-2000:]).replace(source + "/", ""))
            elif not os.path.exists(os.path.join(source, "ksworker.ko")):
                problems.append(f"{kernel}: the build made no ksworker.ko")
    return problems


def sparse(tree):
    """sparse says nothing about our files; what it says about the kernel's headers is not ours."""
    need("sparse", "sparse")
    if "Kbuild" not in tree.files:
        return ["Kbuild is missing"]
    kernel = main_kernel()
    source = copied(tree, "sparse")
    hooks = () if kernel.startswith("stock-") else ("KSWORKER_HOOKS=1",)
    code, out = make(tree, kernel, source, "C=2", *hooks)
    ours = re.compile(r"^(?:" + re.escape(source) + r"/|(?![/.]))[^:\s]+:\d+:\d+: ")
    # a function of ours whose locks do not balance is reported at the header's line that it ends in
    functions = {function for name in tree.core() + tree.matching(r"(?:kunit|samples)/.*\.c")
                 for function in re.findall(r"^[A-Za-z_][\w \t*]*?\(?(\w+)\)?\(", without_comments(tree.text(name)), re.M)}
    problems = [line.replace(source + "/", "") for line in out.splitlines()
                if ours.match(line) or {*re.findall(r"context imbalance in '(\w+)'", line)} & functions]
    seen = {os.path.basename(name) for name in re.findall(r"^\s+CHECK\s+(\S+)", out, re.M)}
    for name in tree.core():
        if os.path.basename(name) not in seen:
            problems.append(f"sparse was not run on {name}")
    said = [line for line in out.splitlines() if "*** " in line]
    return problems + (["\n".join([f"{kernel}: make C=2 exited {code}", *(said or [out[-2000:]])])] if code else [])


def example_of(text):
    """README's example: the block with `c example` on its fence or a comment <!-- example --> above it, or else the first C block."""
    marked = re.search(r"^```c [^\n]*example[^\n]*\n(.*?)^```|<!--[^>]*example[^>]*-->\s*```c[^\n]*\n(.*?)^```", text, re.S | re.M)
    first = re.search(r"^```c\b[^\n]*\n(.*?)^```", text, re.S | re.M)
    if marked:
        return marked[1] or marked[2]
    return first[1] if first else None


def readme_example(tree):
    """README's example, as it stands there, is a module that builds with W=1 and finds its symbols."""
    example = example_of(tree.text("README.md")) if "README.md" in tree.files else None
    if example is None:
        return ["README.md has no example: a ```c block"]
    source = copied(tree, "readme")
    os.makedirs(os.path.join(source, "example"), exist_ok=True)
    head = "" if "linux/module.h" in example else "#include <linux/module.h>\n"
    head += "" if "ksworker.h" in example else '#include "ksworker.h"\n'
    tail = "" if "MODULE_LICENSE" in example else 'MODULE_LICENSE("GPL");\n'
    tail += "" if "MODULE_DESCRIPTION" in example else 'MODULE_DESCRIPTION("The example of README.md");\n'
    for name, text in (("example.c", head + example + tail),
                       ("Kbuild", "obj-m := readme_example.o\nreadme_example-y := example.o\nccflags-y += -I$(src)/..\n")):
        with open(os.path.join(source, "example", name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(source, "Kbuild"), "a", encoding="utf-8") as file:
        file.write("\nobj-m += example/\n")
    code, out = make(tree, main_kernel(), source, "W=1")
    said = [line for line in out.splitlines() if COMPLAINT.search(line)]
    made = os.path.exists(os.path.join(source, "example", "readme_example.ko"))
    return ["\n".join(said) or out[-2000:]] if code or said or not made else []
