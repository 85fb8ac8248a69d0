# SPDX-License-Identifier: GPL-2.0
"""Checks that build the modules: against every test kernel, with sparse, and README's example."""

import os
import re
import shutil

from checks.text import version_of
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


def porting_example(tree):
    """The compiler names each result that samples/porting/before.c does not look at: the lines that docs/porting.md shows,
    and what it shows of the layer is there."""
    source = copied(tree, "porting")
    code, out = make(tree, main_kernel(), source, "KSWORKER_SHOW_RESULTS=1")
    where = {match[1] for match in re.finditer(r"before\.c:(\d+):\d+: (?:warning: ignoring return value|note: in expansion of macro)", out)}
    calls = re.compile(r"^\t+(?:Ks(?:Queue|Register)\w+)\(")
    wanted = {str(number): line.strip() for number, line in tree.numbered("samples/porting/before.c") if calls.match(line)}
    problems = [out[-2000:]] if code else []
    if where != set(wanted):
        problems.append(f"samples/porting/before.c: the compiler warns at the lines {sorted(where)}, wanted {sorted(wanted)}")
    shown = [re.sub(r"\s*/\*.*", "", line).strip() for _, line in tree.numbered("docs/porting.md") if calls.match(line)]
    if sorted(shown) != sorted(wanted.values()) or not shown:
        problems.append(f"docs/porting.md shows the lines {shown}, before.c has {list(wanted.values())}")
    quoted = re.findall(r"^```c\n(static .*?)```$", tree.text("docs/porting.md"), re.S | re.M)
    problems += ["docs/porting.md shows code that is not in samples/porting/layer/imports.c:\n" + code
                 for code in quoted if code not in tree.text("samples/porting/layer/imports.c")]
    return problems if quoted else problems + ["docs/porting.md shows nothing of samples/porting/layer/imports.c"]


# --- what is installed --------------------------------------------------------------------------

def files_below(directory):
    return sorted(os.path.relpath(os.path.join(where, name), directory)
                  for where, _, names in os.walk(directory) for name in names)


class Install:
    """make install and its relatives, in a copy of the whole tree, for one kernel."""

    def __init__(self, tree, kernel, where):
        shutil.rmtree(where, ignore_errors=True)
        for name in tree.files:
            target = os.path.join(where, "tree", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(tree.path(name), target)
        self.tree, self.where, self.root, self.problems = tree, where, os.path.join(where, "root"), []
        self.kdir, problem = build_directory(tree, kernel)
        if problem:
            raise RuntimeError(problem)
        with open(os.path.join(self.kdir, "include/generated/utsrelease.h"), encoding="utf-8") as file:
            self.release = re.search(r'^#define UTS_RELEASE "(.*)"', file.read(), re.M)[1]
        self.home = os.path.join(self.root, "lib/modules", self.release, "updates/ksworker")

    def make(self, directory, *arguments):
        return run([need("make", "make"), "-C", os.path.join(self.where, directory), f"KDIR={self.kdir}",
                    f"-j{os.cpu_count()}", *arguments], self.where)

    def must(self, what, right, out=""):
        if not right:
            self.problems.append(f"{what}\n{out[-1500:]}".strip())
        return right

    def modinfo(self, field, module):
        return run([need("modinfo", "kmod"), "-F", field, module])[1].strip()

    def installs(self):
        """The module and what a client needs; nothing else."""
        code, out = self.make("tree", "install", f"DESTDIR={self.root}")
        home = os.path.relpath(self.home, self.root)
        wanted = sorted([f"{home}/ksworker.ko", f"{home}/Module.symvers", "usr/local/include/ksworker/ksworker.h",
                         "usr/local/include/ksworker/client.mk", "usr/local/share/pkgconfig/ksworker.pc",
                         "usr/local/bin/ksworker-top", "usr/local/share/man/man1/ksworker-top.1"])
        there = files_below(self.root)
        version = version_of(self.tree.text("ksworker.h"))
        return self.must(f"make install exited {code}", code == 0, out) and \
            self.must(f"make install put there: {there}\nwanted: {wanted}", there == wanted) and \
            self.must("modinfo names another version than ksworker.h", self.modinfo("version", self.home + "/ksworker.ko") == version)

    def client(self):
        """samples/client, with what is installed and nothing of the tree."""
        shutil.copytree(self.tree.path("samples/client"), os.path.join(self.where, "client"))
        include = ("-I", os.path.join(self.root, "usr/local/include"))
        code, out = self.make("client", *include, "KSWORKER_SYMVERS=", "modules")
        self.must("a client without Module.symvers is not told what to do", code and "ksworker is not built for the kernel" in out, out)
        code, out = self.make("client", *include, f"KSWORKER_SYMVERS={self.home}/Module.symvers", "modules")
        said = [line for line in out.splitlines() if COMPLAINT.search(line)]
        if self.must("samples/client does not build without a complaint", code == 0 and not said, out):
            self.must("ksclient.ko does not depend on ksworker",
                      self.modinfo("depends", os.path.join(self.where, "client/ksclient.ko")) == "ksworker")

    def tool(self):
        """ksworker-top as it is installed: it runs, and its page names this version."""
        top = os.path.join(self.root, "usr/local/bin/ksworker-top")
        code, out = run([top, "--help"])
        self.must(f"ksworker-top --help exited {code}", code == 0 and "usage: ksworker-top" in out, out)
        code, out = run([top, "--once", "--debugfs", self.where])
        self.must(f"ksworker-top without the module exited {code}", code == 1 and "is the module ksworker loaded" in out, out)
        with open(os.path.join(self.root, "usr/local/share/man/man1/ksworker-top.1"), encoding="utf-8") as file:
            head = re.search(r"^\.TH .*", file.read(), re.M)[0]
        self.must(f"ksworker-top(1) does not name this version: {head}",
                  f'"ksworker {version_of(self.tree.text("ksworker.h"))}"' in head and "@" not in head)

    def signs(self):
        """make sign, and what was signed is installed as it is."""
        key, cert = (os.path.join(self.where, name) for name in ("key.pem", "cert.der"))
        code, out = run([need("openssl", "openssl"), "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                         "-subj", "/CN=ksworker check/", "-keyout", key, "-outform", "DER", "-out", cert], self.where)
        self.must("openssl made no key", code == 0, out)
        code, out = self.make("tree", "sign", f"KEY={key}", f"CERT={cert}")
        self.must(f"make sign exited {code}", code == 0, out)
        code, out = self.make("tree", "sign", f"KEY={key}", f"CERT={cert}")
        self.must("a second make sign does not say that it is signed already", code and "is signed already" in out, out)
        code, out = self.make("tree", "install", f"DESTDIR={self.root}")
        self.must(f"make install of the signed module exited {code}", code == 0, out)
        self.must("the installed module is not the signed one",
                  self.modinfo("signer", self.home + "/ksworker.ko") == "ksworker check")

    def refuses(self):
        """Beside a module that DKMS installed."""
        dkms = os.path.join(os.path.dirname(self.home), "dkms")
        os.makedirs(dkms)
        with open(os.path.join(dkms, "ksworker.ko.xz"), "w", encoding="utf-8"):
            pass
        code, out = self.make("tree", "install", f"DESTDIR={self.root}")
        self.must("make install beside DKMS is not refused", code and "DKMS has ksworker installed" in out, out)
        shutil.rmtree(dkms)

    def uninstalls(self):
        code, out = self.make("tree", "uninstall", f"DESTDIR={self.root}")
        self.must(f"make uninstall exited {code}", code == 0, out)
        left = files_below(self.root)
        self.must(f"make uninstall leaves {left}", not left)
        self.must("make uninstall leaves directories of ours",
                  not [where for where, _, _ in os.walk(self.root)
                       if os.path.basename(where) in ("ksworker", "updates", "pkgconfig", "man1")])


def installed(tree):
    """make install, sign, uninstall into a DESTDIR; samples/client builds against that alone. For a stock kernel of each series."""
    problems, series = [], {}
    for name in kernels():
        if name.startswith("stock-"):
            series.setdefault(name.split("-")[1], name)
    for kernel in series.values():
        install = Install(tree, kernel, tree.path(f"build/check/install-{kernel}"))
        if install.installs():
            install.client()
            install.tool()
            install.refuses()
            install.signs()
            install.uninstalls()
        problems += [f"{kernel}: {problem}" for problem in install.problems]
    return problems if series else ["needs a stock kernel: those can check signatures (KSWORKER_CHECK_KERNELS)"]
