// The formats in the order in which they are asked, and what comes of their answers.
#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "magics.hpp"
#include "probes.hpp"
#include "utf16.hpp"

namespace salvage::partition {
namespace {

using Probe = Result<ProbeResults> (*)(const Input&);

struct Format {
    std::string_view name;
    Probe probe;
};

// All of these are asked: a dump of the MBR era holds an MBR and a PMT.  GPT comes first because reconcile() and a
// reader of the list expect the best table first; the MBR's probe leaves a protective MBR to it.
constexpr std::array tables_in_dumps{
    Format{"GPT", probe_gpt},
    Format{"PMT", probe_pmt},
    Format{"MBR or EBR", probe_mbr},
};

// The first of these that answers is taken, from the most to the least telling: an XML file may contain YAML keys as
// text, a YAML-like one a brace in its banner, and nearly any table of words passes for an fstab.
constexpr std::array texts{
    Format{"XML scatter file", probe_scatter_xml},
    Format{"scatter file", probe_scatter_yaml},
    Format{"old scatter file", probe_scatter_text},
    Format{"OTA scatter file", probe_scatter_ota},
    Format{"fstab", probe_fstab},
};

Result<Input> make_input(const io::ByteSource& source, std::string_view path)
{
    Input input{.source = &source, .path = std::string{path}, .small_file = {}, .is_utf16 = false};
    if (source.size() <= max_small_file) {
        auto bytes = io::read_all(source, max_small_file);
        if (bytes.has_value()) {
            input.small_file = std::move(bytes).unwrap();
        } else if (bytes.error().code != ErrorCode::unreadable) {
            return std::move(bytes).error();
        }
    }
    return input;
}

Result<ProbeResults> ask_tables(const Input& input)
{
    ProbeResults out;
    for (const auto& format : tables_in_dumps) {
        auto results = SALVAGE_TRY(format.probe(input).in(fmt::format("asking for a {}", format.name)));
        std::ranges::move(results, std::back_inserter(out));
    }
    return out;
}

/// Notepad saves "Unicode" as UTF-16 with a byte order mark: the same text, two bytes a character.
std::optional<Input> decoded_utf16(const Input& input)
{
    const auto text = input.text();
    const bool is_little = text.starts_with("\xFF\xFE");
    if (!is_little && !text.starts_with("\xFE\xFF")) {
        return std::nullopt;
    }
    const auto utf8 =
        utf8_from_utf16(ByteView{input.small_file}.subspan(2), is_little ? std::endian::little : std::endian::big);
    const auto bytes = as_bytes(utf8);
    return Input{
        .source = input.source, .path = input.path, .small_file = Bytes{bytes.begin(), bytes.end()}, .is_utf16 = true};
}

Result<ProbeResults> ask_texts(const Input& file)
{
    const auto decoded = decoded_utf16(file);
    const auto& input = decoded ? *decoded : file;
    for (const auto& format : texts) {
        auto results = SALVAGE_TRY(format.probe(input).in(fmt::format("asking for a {}", format.name)));
        if (!results.empty()) {
            return results;
        }
    }
    return ProbeResults{};
}

/// A file of one whole filesystem is no dump that lost its table.
Result<bool> is_bare_filesystem(const Input& input)
{
    const auto head = SALVAGE_TRY(
        read_if_readable(input, ByteOffset{0}, ByteCount{magic_window_bytes}).in("reading the first bytes"));
    return head && head->size() > superblock_at &&
           recognise_superblock(ByteView{*head}.subspan(superblock_at)).has_value();
}

std::vector<Table> tables_of(ProbeResults results)
{
    std::vector<Table> out;
    for (auto& result : results) {
        if (result.table) {
            out.push_back(std::move(*result.table));
        }
    }
    return out;
}

bool has_partitions(const ProbeResults& results)
{
    return std::ranges::any_of(
        results, [](const ProbeResult& result) { return result.table && !result.table->partitions.empty(); });
}

bool says_something(const ProbeResult& result)
{
    return result.table && (!result.table->partitions.empty() || !result.table->data_encryption.empty());
}

Error nothing_recognised(const Input& input)
{
    std::string looked_for;
    for (const auto& format : tables_in_dumps) {
        looked_for += fmt::format("{}, ", format.name);
    }
    for (const auto& format : texts) {
        looked_for += fmt::format("{}, ", format.name);
    }
    const auto* const limit =
        input.size() > max_small_file ? "; a file of this size was not read as text (4 MiB at most)" : "";
    return not_found("no partition table was recognised",
                     fmt::format("looked for: {}known images{}", looked_for, limit),
                     "give the scatter file or a dump of the GPT of the same phone");
}

} // namespace

Result<std::vector<Table>> read_tables(const io::ByteSource& source, std::string_view path)
{
    const auto input = SALVAGE_TRY(make_input(source, path).in("reading the file"));
    auto results = SALVAGE_TRY(ask_tables(input));
    if (results.empty()) {
        results = SALVAGE_TRY(ask_texts(input));
    }
    if (!has_partitions(results) && !input.is_small()) {
        auto carved = SALVAGE_TRY(probe_by_carving(input).in("carving"));
        std::ranges::move(carved, std::back_inserter(results));
    }
    if (results.empty()) {
        return nothing_recognised(input);
    }
    if (std::ranges::none_of(results, says_something)) {
        const auto damaged =
            std::ranges::find_if(results, [](const ProbeResult& result) { return result.damage.has_value(); });
        if (damaged != results.end()) {
            return io::lifted(std::move(*damaged->damage), source);
        }
    }
    return tables_of(std::move(results));
}

Result<std::vector<Table>> find_tables_in_dump(const io::ByteSource& dump, std::string_view path)
{
    const auto input = SALVAGE_TRY(make_input(dump, path).in("reading the dump"));
    auto results = SALVAGE_TRY(ask_tables(input));
    if (!has_partitions(results) && !SALVAGE_TRY(is_bare_filesystem(input))) {
        auto carved = SALVAGE_TRY(probe_by_carving(input).in("carving"));
        std::ranges::move(carved, std::back_inserter(results));
    }
    return tables_of(std::move(results));
}

} // namespace salvage::partition
