// Which firmware a dump comes from: the build fingerprint of its system partition.
#include <array>

#include "rescue/restore_draft.hpp"

namespace salvage::rescue {
namespace {

// Real ones have some 10 KB.
constexpr ByteCount max_properties{1ULL << 20U};

// In the order of preference.  AOSP: build/make/tools/buildinfo.sh, since Android 9 buildinfo_common.sh.
constexpr std::array<std::string_view, 2> keys{"ro.build.fingerprint=", "ro.system.build.fingerprint="};

std::optional<std::string> fingerprint_in(std::string_view properties)
{
    for (const auto key : keys) {
        for (auto rest = properties; !rest.empty();) {
            const auto end = rest.find('\n');
            auto line = rest.substr(0, end);
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            if (!line.starts_with(key)) {
                continue;
            }
            line.remove_prefix(key.size());
            line = line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
            if (!line.empty()) {
                return std::string{line};
            }
        }
    }
    return std::nullopt;
}

std::optional<std::string> fingerprint_of(const filesystem::FileSystem& system, std::string_view path)
{
    const auto entry = filesystem::find_path(system, path);
    if (!entry.has_value()) {
        return std::nullopt;
    }
    const auto file = system.open(entry->inode);
    if (!file.has_value()) {
        return std::nullopt;
    }
    const auto bytes = io::read_all(**file, max_properties);
    return bytes.has_value() ? fingerprint_in(as_text(*bytes)) : std::nullopt;
}

} // namespace

std::optional<std::string> build_fingerprint(const Dump& dump)
{
    for (const std::string_view name : {"system", "system_a", "system_b"}) {
        if (dump.is_bare || dump.layout.find(name) == nullptr) {
            continue;
        }
        const auto source = open_partition(dump, name);
        if (!source.has_value()) {
            continue;
        }
        const auto system = filesystem::open(*source);
        if (!system.has_value()) {
            continue;
        }
        for (const std::string_view path : {"/build.prop", "/system/build.prop"}) {
            if (auto found = fingerprint_of(**system, path)) {
                return found;
            }
        }
    }
    return std::nullopt;
}

} // namespace salvage::rescue
