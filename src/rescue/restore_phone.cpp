// What is known of the phone that is written to: from files, and from what its bootloader says.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "rescue/restore_draft.hpp"
#include "rescue/restore_rules.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/sources.hpp"
#include "salvage/rescue/layout.hpp"

namespace salvage::rescue {
namespace {

// A smaller file is a table or a scatter file; a dump with a system in it is larger.
constexpr ByteCount smallest_dump{16ULL << 20U};
// A bootloader's line has 64 bytes, newer ones' 256 (AOSP fastboot README).
constexpr std::size_t max_line = 512;

std::optional<std::string> value_of(const std::vector<std::pair<std::string, std::string>>& variables,
                                    std::string_view name)
{
    const auto found = std::ranges::find(variables, name, &std::pair<std::string, std::string>::first);
    return found != variables.end() && !found->second.empty() ? std::optional{found->second} : std::nullopt;
}

/// Hexadecimal, with or without 0x: what bootloaders make of a partition's size.
std::optional<std::uint64_t> hex_number(std::string_view text)
{
    text = trimmed(text);
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
    }
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
    return !text.empty() && problem == std::errc{} && end == text.data() + text.size() ? std::optional{out}
                                                                                       : std::nullopt;
}

/// max-download-size is told in decimal by some and with 0x by others.
std::optional<std::uint64_t> any_number(std::string_view text)
{
    text = trimmed(text);
    if (text.starts_with("0x") || text.starts_with("0X")) {
        return hex_number(text);
    }
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out, 10);
    return !text.empty() && problem == std::errc{} && end == text.data() + text.size() ? std::optional{out}
                                                                                       : hex_number(text);
}

std::optional<bool> yes_or_no(const std::optional<std::string>& text)
{
    if (text == "yes" || text == "true" || text == "1") {
        return true;
    }
    if (text == "no" || text == "false" || text == "0") {
        return false;
    }
    return std::nullopt;
}

/// Scatter files give userdata a placeholder of 3 GiB; the phone's own partition fills the flash.
bool is_placeholder(const partition::Partition& partition)
{
    return partition.source.starts_with("scatter") && partition.role == partition::Role::user_data;
}

} // namespace

PhoneFacts KnownPhone::facts() const
{
    const auto download = value_of(variables, "max-download-size");
    const auto bytes = download ? any_number(*download) : std::nullopt;
    return {.product = value_of(variables, "product"),
            .serial = value_of(variables, "serialno"),
            .is_unlocked = yes_or_no(value_of(variables, "unlocked")),
            .max_download = bytes ? std::optional{ByteCount{*bytes}} : std::nullopt};
}

std::optional<PhonePartitionFacts> KnownPhone::find(std::string_view partition) const
{
    std::optional<PhonePartitionFacts> out;
    if (const auto* const found = layout ? layout->find(partition) : nullptr; found != nullptr) {
        out = PhonePartitionFacts{.name = found->name,
                                  .region = found->region,
                                  .start = found->is_start_known ? std::optional{found->start} : std::nullopt,
                                  .size = found->is_size_known ? std::optional{found->size} : std::nullopt,
                                  .is_size_trusted = !is_placeholder(*found)};
    }
    if (out && out->size && out->is_size_trusted) {
        return out;
    }
    const auto told = value_of(variables, fmt::format("partition-size:{}", out ? out->name : std::string{partition}));
    if (const auto size = told ? hex_number(*told) : std::nullopt) {
        out = out ? out : std::optional{PhonePartitionFacts{.name = std::string{partition}, .start = {}, .size = {}}};
        out->size = ByteCount{*size};
        // MediaTek's LK tells 800 MiB at most of userdata (mt_boot/fastboot.c, register_partition_var).
        out->is_size_trusted = !is_same_name(partition, "userdata");
    }
    return out;
}

Result<KnownPhone> know_phone_by_files(const std::vector<std::filesystem::path>& files)
{
    KnownPhone out;
    if (files.empty()) {
        return out;
    }
    out.layout = SALVAGE_TRY(read_layout(files).in("reading what is known of the phone"));
    for (const auto& path : files) {
        out.known_from.push_back(path.string());
        const auto file = io::open_any(path);
        if (out.firmware || !file.has_value() || (*file)->size() < smallest_dump) {
            continue;
        }
        const auto dump = open_dump({.path = path, .layout_files = {}, .footer_file = {}, .map_file = {}});
        if (dump.has_value()) {
            out.firmware = build_fingerprint(*dump);
        }
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> parse_variables(std::string_view text)
{
    std::vector<std::pair<std::string, std::string>> out;
    while (!text.empty() && out.size() < max_variables) {
        const auto end = text.find('\n');
        auto line = trimmed(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.starts_with("(bootloader)")) {
            line = trimmed(line.substr(std::string_view{"(bootloader)"}.size()));
        }
        // "partition-size:userdata: 32000000": a colon in the name is followed by no blank.
        const auto before_blank = line.find(": ");
        const auto colon = before_blank != std::string_view::npos ? before_blank : line.rfind(':');
        if (line.size() > max_line || colon == std::string_view::npos || colon == 0) {
            continue;
        }
        const auto name = trimmed(line.substr(0, colon));
        // What the host's own program says at the end.
        if (name == "all" || name == "Finished. Total time" || name == "finished. total time") {
            continue;
        }
        out.emplace_back(std::string{name}, std::string{trimmed(line.substr(colon + 1))});
    }
    return out;
}

} // namespace salvage::rescue
