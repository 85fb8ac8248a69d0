# SPDX-License-Identifier: GPL-2.0
"""Checks that need nothing but the text of the tree. Each gives a list of what is wrong."""

import ast
import os
import re
import warnings

from checks.tree import without_comments

LONGEST = 45        # lines of a function, from its first line to its brace


def at(name, text, offset):
    return f"{name}:{text.count(chr(10), 0, offset) + 1}"


def spdx(tree):
    """Every source and script has its licence on top."""
    sources = tree.matching(r".*\.(?:[chsS]|py|sh|frag|cocci|pml)|(?:.*/)?(?:Kbuild|Kconfig|Makefile)")
    return [f"{name}: no `SPDX-License-Identifier: GPL-2.0` in its first three lines"
            for name in sorted({*sources, *tree.shell_files(), *tree.python_files()})
            if not any("SPDX-License-Identifier: GPL-2.0" in line for line in tree.text(name).split("\n")[:3])]


def machine_paths(tree):
    """Nothing names a directory of the machine it was written on."""
    form = re.compile(r"(?<![\w.$}/)-])/(?:work|root|home)/[\w.]")
    return [f"{name}:{number}: {line.strip()[:100]}" for name in tree.files
            for number, line in tree.numbered(name) if form.search(line)]


def python_compile(tree):
    """Every python file compiles, without a warning of the compiler."""
    problems = []
    for name in tree.python_files():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                compile(tree.text(name), name, "exec", dont_inherit=True)
                ast.parse(tree.text(name))
            except (SyntaxError, ValueError, SyntaxWarning, DeprecationWarning) as error:
                problems.append(f"{name}: {error}")
    return problems


def barrier_tags(tree):
    """A tag at a barrier or atomic names its partner: it stands at both ends."""
    places, problems = {}, []
    for name in tree.c_files():
        for number, line in tree.numbered(name):
            tags = re.findall(r"\[ksw:([a-z0-9-]+)\]", line)
            if line.count("[ksw:") != len(tags):
                problems.append(f"{name}:{number}: a tag is [ksw:name] with small letters, digits and dashes: {line.strip()}")
            for tag in tags:
                places.setdefault(tag, []).append(f"{name}:{number}")
    return problems + [f"{where[0]}: [ksw:{tag}] stands nowhere else: name its partner there with the same tag"
                       for tag, where in sorted(places.items()) if len(where) < 2]


def functions(text):
    """(first line, name, its comment, its text) of each function of C text; lines count from 1."""
    lines = text.splitlines()
    bare = without_comments(text).splitlines()
    for number, line in enumerate(bare):
        if line.rstrip() != "{":
            continue
        first = number
        while first and bare[first - 1].strip() and not re.search(r"[;}]\s*$|^#", bare[first - 1]):
            first -= 1
        last = next((at_ for at_ in range(number, len(bare)) if re.match(r"}\s*$", bare[at_])), len(bare) - 1)
        called = re.search(r"(\w+)\)?\s*\(", " ".join(bare[first:number]))
        above = first
        while above and lines[above - 1].strip() and not re.match(r"}|#|EXPORT", lines[above - 1]):
            above -= 1
        yield first + 1, called[1] if called else "a function", "\n".join(lines[above:first]), lines[first:last + 1]


def model_tags(tree):
    """What changes the state word or the count names its counterpart in model/*.pml, which is there."""
    inlines = {name for path in tree.files if path.startswith("model/") and path.endswith(".pml")
               for name in re.findall(r"^(?:inline|proctype)\s+(\w+)", tree.text(path), re.M)}
    problems = []
    for line, name, comment, body in functions(tree.text("ksworker.c")):
        text = comment + "\n" + "\n".join(body)
        tags = re.findall(r"\[model:(\w+)\]", text)
        changes = re.search(r"(?:cmpxchg|fetch_or|andnot)\w*\([^;]*&\w+->(?:state|count)\b|\bxchg\(", "\n".join(body))
        if changes and not tags:
            problems.append(f"ksworker.c:{line}: {name} changes the state word, the count or a batch, and has no [model:name]")
        problems += [f"ksworker.c:{line}: {name} names [model:{tag}], and no model has that" for tag in tags if tag not in inlines]
    return problems


def function_length(tree):
    return [f"{name}:{line}: {function} has {len(body)} lines, {LONGEST} is the most"
            for name in tree.core() for line, function, _, body in functions(tree.text(name)) if len(body) > LONGEST]


def no_if_in_c(tree):
    form = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif|else|endif)\b")
    return [f"{name}:{number}: {line.strip()}: conditions of the preprocessor stand in a header (ksworker_compat.h, "
            "ksworker_internal.h)" for name in tree.core()
            for number, line in enumerate(without_comments(tree.text(name)).splitlines(), 1) if form.match(line)]


def version_test(tree):
    form = re.compile(r"\b(?:LINUX_VERSION_CODE|KERNEL_VERSION)\b")
    return [f"{name}:{number}: {line.strip()}: kernel versions are tested in ksworker_compat.h only"
            for name in tree.c_files() if not name.endswith("_compat.h")
            for number, line in enumerate(without_comments(tree.text(name)).splitlines(), 1) if form.search(line)]


def version_of(text):
    """MAJOR.MINOR.PATCH as ksworker.h defines them, or None."""
    parts = [re.findall(rf"^#define KSWORKER_VERSION_{part}\s+(\d+)$", text, re.M) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(found[0] for found in parts) if all(len(found) == 1 for found in parts) else None


# where a version would stand by custom: the line, and what has to be in it instead
VERSION_PLACES = {
    "dkms.conf": (r"^PACKAGE_VERSION=(.*)$", '"#MODULE_VERSION#"'),
    "packaging/ksworker.pc.in": (r"^Version:\s*(.*)$", "@VERSION@"),
    "docs/conf.py": (r"^(?:version|release)\s*=\s*(.*)$", None),
}


def version(tree):
    """The version stands in ksworker.h. NEWS and debian/changelog, which are histories, begin with it; nothing else names it."""
    ours = version_of(tree.text("ksworker.h")) if "ksworker.h" in tree.files else None
    if not ours:
        return ["ksworker.h: no KSWORKER_VERSION_MAJOR, _MINOR and _PATCH, one number each"]
    problems = []
    for name, form in (("NEWS", r"^(\d+\.\d+\.\d+)\b"), ("debian/changelog", r"^ksworker \(([^)]+)\)")):
        if name not in tree.files:
            if name == "NEWS":
                problems.append("NEWS is missing")
            continue
        first = re.search(form, tree.text(name), re.M)
        if not first or first[1] != ours:
            problems.append(f"{name}: begins with {first[1] if first else 'no version'}, ksworker.h says {ours}: "
                            "a new version needs an entry there")
    for name in tree.files:
        if name in ("NEWS", "debian/changelog"):
            continue
        literal = re.compile(rf"(?<![\d.]){re.escape(ours)}(?![\d.]*\d)")
        problems += [f"{name}:{number}: names the version {ours}: take it from ksworker.h (ksworker_version in scripts/lib.sh, "
                     "KSWORKER_VERSION in C)" for number, line in tree.numbered(name) if literal.search(line)]
    for name, (form, wanted) in VERSION_PLACES.items():
        found = re.findall(form, tree.text(name), re.M) if name in tree.files else []
        if name in tree.files and found != ([wanted] if wanted else []):
            problems.append(f"{name}: names the version {' '.join(found) or 'nowhere'}, wanted {wanted or 'none'}: "
                            "it is put in when it is installed or built")
    for name in tree.matching(r"tools/[\w-]+\.1\.in"):
        if '"@DATE@" "ksworker @VERSION@"' not in tree.text(name):
            problems.append(f"{name}: its .TH line has no \"@DATE@\" \"ksworker @VERSION@\"")
    if "MODULE_VERSION(KSWORKER_VERSION)" not in "".join(tree.text(name) for name in tree.core()):
        problems.append("no .c file says MODULE_VERSION(KSWORKER_VERSION)")
    return problems


# --- exports ------------------------------------------------------------------------------------

def kernel_docs(text):
    """name -> text of its kernel-doc comment."""
    found = {}
    for match in re.finditer(r"/\*\*\n(.*?)\*/", text, re.S):
        head = re.match(r"\s*\*\s*(\w+)(?:\(\))? - ", match[1])
        if head:
            found[head[1]] = match[1]
    return found


def exports_documented(tree):
    """Every export has kernel-doc with Context: and, unless it returns nothing, Return:.

    What ksworker_hooks.c exports exists in the builds for tests only.
    """
    docs, problems, exported = {}, [], 0
    for name in tree.core() + tree.matching(r"ksworker[^/]*\.h"):
        docs.update(kernel_docs(tree.text(name)))
    for name in tree.core():
        if name == "ksworker_hooks.c":
            continue
        code = without_comments(tree.text(name))
        problems += [f"{at(name, code, match.start())}: {match[0]}: exports are EXPORT_SYMBOL_GPL"
                     for match in re.finditer(r"\bEXPORT_SYMBOL(?!_GPL\()\w*\(\w+", code)]
        for match in re.finditer(r"\bEXPORT_SYMBOL_GPL\((\w+)\)", code):
            exported += 1
            where, symbol = at(name, code, match.start()), match[1]
            if symbol not in docs:
                problems.append(f"{where}: {symbol} has no kernel-doc (`{symbol}() - what it does`)")
                continue
            if not re.search(r"^\s*\* Context:", docs[symbol], re.M):
                problems.append(f"{where}: the kernel-doc of {symbol} has no `Context:`")
            defined = re.search(r"^([A-Za-z_][\w \t*\n]*?[\s*])\(?" + symbol + r"\)?\s*\(", code, re.M)
            if not defined:
                problems.append(f"{where}: no definition of {symbol} in {name}")
            elif not re.search(r"\b(?:VOID|void)\s+$", defined[1]) and not re.search(r"^\s*\* Returns?:", docs[symbol], re.M):
                problems.append(f"{where}: {symbol} returns {' '.join(defined[1].split())} and its kernel-doc has no `Return:`")
    return problems or ([] if exported else ["no EXPORT_SYMBOL_GPL was found in ksworker*.c"])


# --- semantics ----------------------------------------------------------------------------------

CALLS = ("queue-strict", "queue-backlog", "queue-queued-item", "increment-0", "increment-n", "decrement-n", "unregister")
STATES = ("idle", "queued", "running", "running+queued", "closing")
RULES = [f"G{number}" for number in range(1, 14)] + \
    [f"T-{call}-{state}" for call in CALLS for state in STATES if (call, state) != ("queue-queued-item", "idle")]
RULE_ID = re.compile(r"`(G\d+|[A-Z]+-[\w+.-]+)`")


def kunit_cases(tree):
    """suite.case -> place, from the arrays and suites in kunit/*.c; and what could not be read."""
    cases, problems = {}, []
    for name in tree.matching(r"kunit/.*\.c"):
        code = re.sub(r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]), tree.text(name), flags=re.S)
        arrays = {match[1]: [(found[1], at(name, code, match.start() + found.start()))
                             for found in re.finditer(r"\bKUNIT_CASE\w*\(\s*(\w+)", match[0])]
                  for match in re.finditer(r"struct kunit_case (\w+)\[\]\s*=\s*\{.*?\n\};", code, re.S)}
        inside = sum(len(found) for found in arrays.values())
        if inside != len(re.findall(r"\bKUNIT_CASE\w*\(\s*\w+", code)):
            problems.append(f"{name}: a KUNIT_CASE stands outside a `struct kunit_case NAME[] = {{ ... }};`")
        for match in re.finditer(r"struct kunit_suite \w+\s*=\s*\{(.*?)\n\};", code, re.S):
            called = re.search(r"\.name\s*=\s*\"([^\"]+)\"", match[1])
            array = re.search(r"\.test_cases\s*=\s*(\w+)", match[1])
            if not called or not array or array[1] not in arrays:
                problems.append(f"{at(name, code, match.start())}: a suite needs .name and .test_cases with an array of this file")
                continue
            for case, where in arrays.pop(array[1]):
                cases[f"{called[1]}.{case}"] = where
        problems += [f"{name}: the cases of {array} are in no suite" for array in arrays]
    return cases, problems


def mapped_cases(tree, document):
    """Rule id -> (line, cases) from the tables whose first column is a rule id in backticks."""
    rules = {}
    for number, line in tree.numbered(document):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if not line.strip().startswith("|") or len(cells) < 2:
            continue
        ids = RULE_ID.findall(cells[0])
        for rule in ids:
            rules.setdefault(rule, (number, []))[1].extend(re.findall(r"`([^`]+)`", cells[-1]))
    return rules


def semantics(tree):
    """docs/semantics.md: each rule and each cell of the state table has cases, and each case a rule."""
    document = "docs/semantics.md"
    if document not in tree.files:
        return [f"{document} is missing: a table, rule id in backticks first, its `suite.case` names last"]
    cases, problems = kunit_cases(tree)
    rules = mapped_cases(tree, document)
    problems += [f"{document}: no row for the rule `{rule}`" for rule in RULES if rule not in rules]
    named = set()
    for rule, (number, names) in rules.items():
        if not names:
            problems.append(f"{document}:{number}: the rule {rule} has no case in its last column")
        for case in names:
            named.add(case)
            suite, _, short = case.partition(".")
            script = f"scripts/guest/{suite}.sh"
            in_script = script in tree.files and short and any(
                re.search(rf"(?<![\w-]){re.escape(short)}(?![\w-])", line.split("#")[0] if line.lstrip().startswith("#") else line)
                for _, line in tree.numbered(script))
            if case not in cases and not in_script:
                problems.append(f"{document}:{number}: the rule {rule} names `{case}`, which is neither in kunit/*.c nor in scripts/guest/*.sh")
    return problems + [f"{where}: the case {case} is under no rule in {document}"
                       for case, where in sorted(cases.items()) if case not in named]


# --- links --------------------------------------------------------------------------------------

# rooms of this tree; what the kernel keeps in a directory of the same name
ROOMS = ("scripts", "docs", "kunit", "samples", "bench", "model", "torture", "debian", "packaging", "tools")
KERNELS_OWN = re.compile(r"scripts/(?:checkpatch\.pl|kernel-doc|coccinelle|coccicheck|sign-file|mod|gdb|config|faddr2line|decode_stacktrace\.sh)\b|samples/kfifo")


def anchors(text):
    heads = re.findall(r"^#+ (.*?)\s*#*$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", head).lower()).replace(" ", "-") for head in heads} | \
        set(re.findall(r"<a (?:name|id)=\"([^\"]+)\"", text))


def links(tree):
    """Relative links, anchors and the paths in backticks of *.md lead somewhere."""
    problems = []
    directories = {os.path.dirname(name) for name in tree.files}
    directories |= {parent for name in directories for parent in (name.rsplit("/", depth)[0] for depth in range(1, name.count("/") + 1))}

    def there(path):
        return path in tree.files or path.rstrip("/") in directories

    for name in tree.matching(r".*\.md"):
        prose = re.sub(r"^```.*?^```", lambda match: "\n" * match[0].count("\n"), tree.text(name), flags=re.S | re.M)
        for match in re.finditer(r"(?<!`)\[[^]\n]*\]\(([^)\s]+)[^)]*\)", prose):
            target, _, anchor = match[1].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
            if not there(path) and path != ".":
                problems.append(f"{at(name, prose, match.start())}: the link to {match[1]} leads nowhere")
            elif anchor and path.endswith(".md") and anchor not in anchors(tree.text(path)):
                problems.append(f"{at(name, prose, match.start())}: {path} has no heading for #{anchor}")
        for match in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", prose):
            word = match[1].split()[0].removeprefix("./") if match[1].split() else ""
            path = re.sub(r":\d+$", "", word)
            ours = path.split("/")[0] in ROOMS and "/" in path or re.fullmatch(r"ksworker\w*\.[ch]", path)
            if ours and re.fullmatch(r"[\w./+-]+", path) and not KERNELS_OWN.match(path) and not path.endswith((".ko", ".o")) \
                    and not there(os.path.normpath(path)):
                problems.append(f"{at(name, prose, match.start())}: there is no {path}")
    return problems
