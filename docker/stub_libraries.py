"""Stubs for libraries that compute on a GPU alone, in an image for CPUs.

Where a library that stays is linked with one that goes, the process does not start without it. A stub takes its place:
it has its name and the symbols that are asked for, and a call of any ends the process with a line. So nothing is
computed by it, and what computes on the CPU stays byte by byte. Needs a C++ compiler and binutils.
"""

import collections
import re
import subprocess

STAY = re.compile(r'lib(cudart|cupti)\.so')
"""Small, asked when torch starts, and able to say that there is no GPU."""

OF_THE_SYSTEM = ('libstdc++.so.6', 'libc.so.6', 'libm.so.6', 'libgcc_s.so.1', 'libpthread.so.0', 'libdl.so.2',
                 'librt.so.1')

HEAD = """
#include <cstdlib>
#include <cstring>
#include <unistd.h>
extern void *class_type_info[] asm("_ZTVN10__cxxabiv117__class_type_infoE");
static void left_out(const char *name) {
    static const char said[] = "head: an image for CPUs, without %s, is asked for its ";
    if (write(2, said, sizeof said - 1) > 0 && write(2, name, strlen(name)) > 0) { if (write(2, "\\n", 1)) {} }
    abort();
}
extern "C" {
"""


class Symbol:
    """A dynamic symbol: its version is empty where it has none."""

    def __init__(self, name, size, kind, bind, place):
        self.name, _, version = name.partition('@')
        self.version = version.lstrip('@')
        self.size = int(size, 0)
        self.is_function = kind in ('FUNC', 'IFUNC')
        self.is_weak = bind == 'WEAK'
        self.is_defined = place != 'UND'


def is_library(path):
    with path.open('rb') as file:
        return file.read(4) == b'\x7fELF'


def symbols(library):
    """The dynamic symbols of a library, as `readelf` lists them."""
    text = subprocess.check_output(['readelf', '--dyn-syms', '--wide', library], text=True)
    lines = (line.split() for line in text.splitlines() if re.match(r' *\d+: ', line))
    return [Symbol(words[7], words[2], words[3], words[4], words[6]) for words in lines if len(words) > 7]


def linked_with(library):
    """The names of the libraries that a library is linked with."""
    text = subprocess.check_output(['readelf', '--dynamic', '--wide', library], text=True)
    return re.findall(r'\(NEEDED\).*\[(.*)\]', text)


def system_library(name):
    return subprocess.check_output(['c++', f'-print-file-name={name}'], text=True).strip()


def definition(symbol):
    """C++ code of a symbol: a function that ends the process, the type of a class, or zeros."""
    if symbol.is_function:
        return f'void {symbol.name}() {{ left_out("{symbol.name}"); }}'
    if symbol.name.startswith('_ZTI'):
        return f'extern const void *const {symbol.name}[]; ' \
               f'const void *const {symbol.name}[] = {{class_type_info + 2, "{symbol.name[4:]}"}};'
    return f'char {symbol.name}[{symbol.size}] __attribute__((aligned(16)));'


def compile_stub(path, wanted):
    """Write a library of some symbols, named as its file."""
    code = HEAD % path.name + '\n'.join(definition(symbol) for symbol in wanted) + '\n}\n'
    command = ['c++', '-shared', '-fPIC', '-O1', '-w', f'-Wl,-soname,{path.name}', '-Wl,--build-id=none',
               '-x', 'c++', '-', '-o', path]
    versions = sorted({symbol.version for symbol in wanted if symbol.version})
    script = path.with_suffix('.map')
    if versions:
        script.write_text(''.join(
            f'{version} {{ {" ".join(f"{symbol.name};" for symbol in wanted if symbol.version == version)} }};\n'
            for version in versions))
        command.append(f'-Wl,--version-script={script}')
    subprocess.run(command, input=code, text=True, check=True)
    if versions:
        script.unlink()


def replace_by_stubs(site, patterns):
    """Remove the libraries of some patterns, below site-packages, and put stubs where another one needs them."""
    going = {path for pattern in patterns for path in site.glob(pattern) if not STAY.match(path.name)}
    libraries = {path for path in site.rglob('*.so*') if is_library(path)}
    staying = sorted(libraries - going)
    defined = collections.defaultdict(dict)
    for library in sorted(going & libraries):
        for symbol in symbols(library):
            if symbol.is_defined:
                defined[symbol.name][library.name] = symbol
    there = {symbol.name for library in [*staying, *map(system_library, OF_THE_SYSTEM)]
             for symbol in symbols(library) if symbol.is_defined}
    needed = {name for library in staying for name in linked_with(library)}
    stubs = {library.name: {} for library in sorted(going & libraries) if library.name in needed}
    for library in staying:
        for symbol in symbols(library):
            if symbol.name in defined and symbol.name not in there and not (symbol.is_defined or symbol.is_weak):
                found = defined[symbol.name]
                # of a library that another one is linked with: whichever is loaded
                home = next((name for name in found if name in stubs), next(iter(stubs)))
                stubs[home][symbol.name] = next(iter(found.values())) if home not in found else found[home]
    for path in going:
        path.unlink()
    for name, wanted in stubs.items():
        compile_stub(site / 'torch/lib' / name, [wanted[key] for key in sorted(wanted)])
