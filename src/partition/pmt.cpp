// PMT: the table that MediaTek phones of the MBR era keep near the end of the user area.  docs/formats/pmt.md.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "magics.hpp"
#include "names.hpp"
#include "note.hpp"
#include "probes.hpp"
#include "salvage/core/text.hpp"

namespace salvage::partition {
namespace {

constexpr std::uint64_t pmt_bytes = 0x1000;
constexpr std::uint64_t pmt_from_end = 0x100000;
// A dump may end early by a sector or be padded to a larger unit: both copies are searched in these last bytes.
constexpr std::uint64_t search_bytes = 0x200000;
constexpr std::size_t records_at = 8;
constexpr std::size_t name_bytes = 64;
constexpr std::size_t signature_bytes = 4;
constexpr std::size_t max_copies = 4; // a PMT and its mirror, of version 1 or 3
constexpr std::uint64_t sector_bytes = 512;

struct Form {
    std::uint32_t signature;
    std::string_view name;
    std::size_t record_bytes;
    std::size_t offset_at; ///< in a record; version 3 has part_id (a region) before it
    bool is_mirror;
};
// Stored little-endian, so "PTv1" reads "1vTP" in a hex view.  Source: pmt.h of MT6577 and MT8163 little kernels.
constexpr std::array forms{
    Form{0x50547631, "PTv1", 88, 72, false},
    Form{0x4D505431, "MPT1", 88, 72, true},
    Form{0x50547633, "PTv3", 96, 80, false},
    Form{0x4D505433, "MPT3", 96, 80, true},
};

const Form* form_of(ByteView bytes) noexcept
{
    if (bytes.size() < records_at) {
        return nullptr;
    }
    const auto* const form = std::ranges::find(forms, load_le<std::uint32_t>(bytes), &Form::signature);
    const auto version = as_text(bytes.subspan(signature_bytes, 3));
    const bool has_version =
        version[0] >= '0' && version[0] <= '9' && version[1] == '.' && version[2] >= '0' && version[2] <= '9';
    return form != forms.end() && has_version ? form : nullptr;
}

struct Copy {
    const Form* form;
    std::uint64_t at;
    Bytes bytes;
};

Result<std::vector<Copy>> find_copies(const Input& input)
{
    std::vector<Copy> copies;
    const auto size = input.size().value;
    const auto from = input.is_small() ? 0 : (size - std::min(size, search_bytes)) / sector_bytes * sector_bytes;
    const auto area = SALVAGE_TRY(
        read_if_readable(input, ByteOffset{from}, ByteCount{input.is_small() ? max_small_file.value : size - from}));
    if (area) {
        for (std::size_t at = 0; at < area->size() && copies.size() < max_copies; at += sector_bytes) {
            const auto rest = ByteView{*area}.subspan(at);
            if (const auto* const form = form_of(rest)) {
                const auto table = rest.first(std::min<std::size_t>(rest.size(), pmt_bytes));
                copies.push_back({.form = form, .at = from + at, .bytes = Bytes{table.begin(), table.end()}});
            }
        }
        return copies;
    }
    for (const auto place :
         {pmt_from_end, pmt_from_end - pmt_bytes}) { // something there is unreadable: the exact places alone
        const auto at = size > place ? size - place : 0;
        auto bytes = SALVAGE_TRY(read_if_readable(input, ByteOffset{at}, ByteCount{pmt_bytes}));
        if (const auto* const form = bytes ? form_of(*bytes) : nullptr) {
            copies.push_back({.form = form, .at = at, .bytes = std::move(*bytes)});
        }
    }
    return copies;
}

struct Record {
    std::string name;
    std::uint64_t size{};
    std::uint64_t offset{};
    std::uint64_t flags{};
    std::optional<std::uint64_t> part_id;
    ByteOffset at;
};

bool is_name(std::string_view name) noexcept
{
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; });
}

struct Records {
    std::vector<Record> records;
    std::optional<ByteOffset> garbage_at; ///< a record that is none
    bool has_end_signature{false};
};

Records parse_records(const Copy& copy)
{
    Records out;
    const ByteView bytes{copy.bytes};
    const auto& form = *copy.form;
    out.has_end_signature = bytes.size() == pmt_bytes &&
                            load_le<std::uint32_t>(bytes.subspan(pmt_bytes - signature_bytes)) == form.signature;
    // The room between header and closing signature bounds the number of records: 46 of version 1, 42 of version 3.
    const auto end = std::min<std::size_t>(bytes.size(), pmt_bytes - signature_bytes);
    for (auto at = records_at; at + form.record_bytes <= end; at += form.record_bytes) {
        const auto record = bytes.subspan(at, form.record_bytes);
        const auto field = as_text(record.first(name_bytes));
        const auto name = field.substr(0, field.find('\0'));
        if (name.empty()) {
            break;
        }
        if (!is_name(name)) {
            out.garbage_at = ByteOffset{copy.at + at};
            break;
        }
        out.records.push_back(
            {.name = std::string{name},
             .size = load_le<std::uint64_t>(record.subspan(name_bytes)),
             .offset = load_le<std::uint64_t>(record.subspan(form.offset_at)),
             .flags = load_le<std::uint64_t>(record.subspan(form.offset_at + 8)),
             .part_id = form.offset_at > 72 ? std::optional{load_le<std::uint64_t>(record.subspan(72))} : std::nullopt,
             .at = ByteOffset{copy.at + at}});
    }
    return out;
}

/// Whether offsets count the boot region too differs by SoC.  The MBR stands at user 0: where the table lists it, its
/// offset is the difference.  Otherwise what stands at each place decides.
class OffsetBase {
public:
    OffsetBase(const Input& input, const std::vector<Record>& records) : input_{&input}, records_{&records} {}

    Result<std::uint64_t> find(Notes& notes) const
    {
        const auto mbr =
            std::ranges::find_if(*records_, [](const Record& record) { return is_same_partition(record.name, "mbr"); });
        if (mbr != records_->end() && mbr->offset != 0) {
            notes.note(
                "pmt-linear-offsets",
                fmt::format(
                    "Offsets in this PMT count the boot region too: {:#x} was subtracted, the offset of its MBR entry.",
                    mbr->offset),
                {.numbers = {{"subtracted", mbr->offset}}});
            return mbr->offset;
        }
        if (mbr != records_->end() || input_->is_small()) {
            return std::uint64_t{0};
        }
        const auto preloader = std::ranges::find_if(
            *records_, [](const Record& record) { return is_same_partition(record.name, "preloader"); });
        const auto candidate = preloader != records_->end() ? preloader->size : 0;
        if (candidate == 0 || SALVAGE_TRY(hits(0)) >= SALVAGE_TRY(hits(candidate))) {
            return std::uint64_t{0};
        }
        notes.note(
            "pmt-linear-offsets",
            fmt::format("Offsets in this PMT count the boot region too: filesystems stand {:#x} before where it says.",
                        candidate),
            {.numbers = {{"subtracted", candidate}}});
        return candidate;
    }

private:
    /// How many partitions begin with something known if `base` is subtracted.
    Result<std::size_t> hits(std::uint64_t base) const
    {
        std::size_t count = 0;
        for (const auto& record : *records_) {
            if (record.offset >= base) {
                const auto head = SALVAGE_TRY(
                    read_if_readable(*input_, ByteOffset{record.offset - base}, ByteCount{magic_window_bytes}));
                count += head && recognise(*head) ? 1U : 0U;
            }
        }
        return count;
    }

    const Input* input_;
    const std::vector<Record>* records_;
};

bool is_reserved_offset(std::uint64_t offset) noexcept
{
    constexpr std::uint64_t reserved_mark = 0xFFFF0000; // as in scatter files: counted from the end
    return offset >= reserved_mark && offset <= 0xFFFFFFFF;
}

Partition partition_of(const Record& record, std::uint64_t base)
{
    const bool is_preloader = canonical_name(record.name).starts_with("preloader");
    auto out = make_partition(record.name, "pmt");
    out.region = is_preloader || record.offset < base ? "boot1" : "user";
    out.is_reserved = is_reserved_offset(record.offset);
    out.is_start_known = !out.is_reserved;
    out.start = ByteOffset{out.is_reserved ? 0 : record.offset - (out.region == "user" ? base : 0)};
    out.is_size_known = record.size != 0 && checked_add(out.start.value, record.size).has_value();
    out.size = ByteCount{out.is_size_known ? record.size : 0};
    out.attributes = {{"pmt_offset", fmt::format("{:#x}", record.offset)},
                      {"pmt_flags", fmt::format("{:#x}", record.flags)}};
    if (record.part_id) {
        out.attributes.emplace_back("pmt_part_id", fmt::format("{:#x}", *record.part_id));
    }
    return out;
}

void note_damage(const Copy& copy, const Records& records, Notes& notes)
{
    if (!records.has_end_signature) {
        notes.warn("pmt-end-missing",
                   fmt::format("The {} at {} has no closing signature: it is cut short or only half written.",
                               copy.form->name, format_offset(ByteOffset{copy.at})),
                   {.where = {.source = {}, .offset = ByteOffset{copy.at}, .partition = {}}});
    }
    if (records.garbage_at) {
        notes.warn("pmt-record-garbage",
                   fmt::format("The {} holds a record that is none; reading stopped there.", copy.form->name),
                   {.where = {.source = {}, .offset = records.garbage_at, .partition = {}}});
    }
}

bool is_same(const Records& left, const Records& right)
{
    return std::ranges::equal(left.records, right.records, [](const Record& a, const Record& b) {
        return a.name == b.name && a.size == b.size && a.offset == b.offset;
    });
}

bool is_sound(const Records& records)
{
    return records.has_end_signature && !records.garbage_at && !records.records.empty();
}

/// The copy to believe: the first sound one, otherwise the one that says most.
std::size_t choose(const std::vector<Records>& all)
{
    const auto sound = std::ranges::find_if(all, is_sound);
    const auto best = sound != all.end() ? sound : std::ranges::max_element(all, {}, [](const Records& records) {
        return records.records.size();
    });
    return static_cast<std::size_t>(best - all.begin());
}

} // namespace

Result<ProbeResults> probe_pmt(const Input& input)
{
    const auto copies = SALVAGE_TRY(find_copies(input).in("looking for a PMT"));
    if (copies.empty()) {
        return ProbeResults{};
    }
    std::vector<Records> all;
    std::ranges::transform(copies, std::back_inserter(all), parse_records);
    Notes notes{input.path};
    for (std::size_t i = 0; i < copies.size(); ++i) {
        note_damage(copies[i], all[i], notes);
    }
    const auto chosen = choose(all);
    const auto& copy = copies[chosen];
    if (copy.form->is_mirror) {
        notes.warn("pmt-mirror-used", "The PMT itself is missing or damaged; its mirror was read.",
                   {.where = {.source = {}, .offset = ByteOffset{copy.at}, .partition = {}}});
    }
    for (std::size_t i = 0; i < copies.size(); ++i) {
        if (i != chosen && !is_same(all[i], all[chosen])) {
            notes.warn("pmt-copies-differ",
                       fmt::format("The PMT at {} and the one at {} differ; the first was taken.",
                                   format_offset(ByteOffset{copy.at}), format_offset(ByteOffset{copies[i].at})),
                       {.numbers = {{"taken_at", copy.at}, {"other_at", copies[i].at}}});
        }
    }
    auto table = make_table("pmt", input.path);
    table.dialect = copy.form->name;
    table.sector_size = sector_512();
    const auto base =
        SALVAGE_TRY(OffsetBase(input, all[chosen].records).find(notes).in("testing where PMT offsets lead"));
    for (const auto& record : all[chosen].records) {
        table.partitions.push_back(partition_of(record, base));
    }
    if (!input.is_small()) {
        table.device_size = ByteCount{copy.at - (copy.form->is_mirror ? pmt_bytes : 0) + pmt_from_end};
    }
    table.findings = notes.take();
    if (!is_sound(all[chosen])) {
        return ProbeResults{found_damaged(
            std::move(table), malformed(ByteOffset{copy.at}, "the PMT is damaged", "no copy of it is whole"))};
    }
    return ProbeResults{found(std::move(table))};
}

} // namespace salvage::partition
