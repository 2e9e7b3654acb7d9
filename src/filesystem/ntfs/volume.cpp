// The master file table, and files of several records.
#include "volume.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "filesystem/utf16.hpp"
#include "reparse.hpp"
#include "salvage/io/missing.hpp"
#include "salvage/io/views.hpp"

namespace salvage::filesystem::ntfs {
namespace {

// Windows ends $ATTRIBUTE_LIST at 256 KiB; an entry has 26 bytes at least.
constexpr ByteCount max_list_bytes{256U << 10U};
constexpr std::size_t list_entry_bytes = 26;
// A file of 256 KiB of such a list has more, but none that Windows wrote has a tenth.
constexpr std::uint64_t max_extensions = 4096;
// Numbers of files have 32 bits for the record; so have records themselves on every volume of Windows.
constexpr std::uint64_t max_record = 0xFFFFFFFF;
constexpr ByteCount table_block{64U << 10U};
constexpr std::size_t table_blocks_kept = 32;
// Windows compresses in units of 64 KiB, and in no clusters above 4 KiB.
constexpr std::uint64_t max_unit_bytes = 1U << 20U;
constexpr std::uint16_t volume_is_dirty = 0x0001;

/// Joins the parts of attributes that several records share; sizes stand in the first part.
std::vector<Attribute> joined(std::vector<Attribute> parts)
{
    std::vector<Attribute> out;
    std::vector<Attribute> continuations;
    for (auto& part : parts) {
        if (part.is_resident || part.first_cluster == 0) {
            out.push_back(std::move(part));
        } else {
            continuations.push_back(std::move(part));
        }
    }
    std::ranges::sort(continuations, {}, &Attribute::first_cluster);
    std::map<std::pair<std::uint32_t, std::string>, Attribute*> firsts;
    for (auto& first : out) {
        if (!first.is_resident) {
            firsts.emplace(std::pair{first.type, first.name}, &first);
        }
    }
    for (auto& part : continuations) {
        const auto found = firsts.find({part.type, part.name});
        if (found == firsts.end()) {
            continue; // nothing says how large it is
        }
        auto& first = *found->second;
        if (first.runs.size() + part.runs.size() > ext::max_runs) {
            first.damage = unsupported("a file is in more pieces than are read");
            continue;
        }
        first.runs.insert(first.runs.end(), part.runs.begin(), part.runs.end());
        if (part.damage) {
            first.damage = std::move(part.damage);
        }
    }
    return out;
}

Error no_such_file(std::uint64_t number, std::string_view why)
{
    return not_found("there is no such file", fmt::format("record {} {}", number, why));
}

} // namespace

const Attribute* File::find(std::uint32_t type, std::string_view name) const noexcept
{
    const auto found =
        std::ranges::find_if(attributes, [&](const Attribute& one) { return one.type == type && one.name == name; });
    return found == attributes.end() ? nullptr : &*found;
}

std::vector<FileName> File::names() const
{
    std::vector<FileName> out;
    for (const auto& attribute : attributes) {
        if (attribute.type != attribute_type::file_name || !attribute.is_resident) {
            continue;
        }
        auto name = parse_file_name(attribute.value);
        if (name && name->space != FileName::Space::dos) {
            out.push_back(std::move(*name));
        }
    }
    return out;
}

Result<std::unique_ptr<const Volume>> Volume::open(const io::SourcePtr& source, const Geometry& geometry)
{
    auto whole = SALVAGE_TRY(io::make_subrange_or_missing(source, ByteRange::first(geometry.volume()), "ntfs"));
    const auto present = std::min(source->size(), geometry.volume());
    std::unique_ptr<Volume> out{new Volume{std::move(whole), geometry, present}};
    SALVAGE_TRY(out->open_table());
    out->read_volume_file();
    return out;
}

Result<FileRecord> Volume::read_record(const io::ByteSource& table, std::uint64_t number) const
{
    const auto records = table.size().value / geometry_.record_bytes;
    if (number >= records || number > max_record) {
        return no_such_file(number, fmt::format("of {} records", records));
    }
    const ByteOffset at{number * geometry_.record_bytes};
    auto bytes = SALVAGE_TRY(io::read_bytes(table, at, ByteCount{geometry_.record_bytes}));
    return io::lifted(parse_record(std::move(bytes)), table, at);
}

/// $MFT tells where $MFT lies: its first record is read at the place that the boot sector names, or from the mirror.
Result<> Volume::open_table()
{
    std::optional<Error> why_not;
    for (const auto cluster : {geometry_.table, geometry_.mirror}) {
        const ByteOffset at{cluster * geometry_.cluster_bytes};
        const auto first = SALVAGE_TRY(io::make_subrange_or_missing(
            source_, ByteRange::between(at, at + ByteCount{geometry_.record_bytes}), "first record of $MFT"));
        auto record = read_record(*first, system_file::table);
        if (!record.has_value()) {
            if (record.error().code == ErrorCode::io) {
                return record.error();
            }
            why_not = why_not.value_or(record.error());
            continue;
        }
        const File start{.number = 0, .attributes = joined(record->attributes), .damage = {}};
        const auto* const data = start.find(attribute_type::data);
        if (data == nullptr || data->is_resident || data->is_compressed() || data->size < geometry_.record_bytes) {
            why_not = why_not.value_or(malformed({}, "the master file table does not say where it lies"));
            continue;
        }
        // As far as the first record tells: the others of its attribute list are in that part.
        const auto known = make_stream(source_, geometry_, *data, nullptr, "$MFT");
        const auto whole = assemble(*known, system_file::table, std::move(*record));
        const auto* const all = whole.has_value() ? whole->find(attribute_type::data) : nullptr;
        const bool is_whole = all != nullptr && !all->is_compressed();
        table_ = io::make_cached(is_whole ? make_stream(source_, geometry_, *all, nullptr, "$MFT") : known, table_block,
                                 table_blocks_kept);
        if (const auto damage = whole.has_value() ? whole->damage : whole.error()) {
            findings_.push_back(make_finding(
                "ntfs-table-cut", Severity::warning,
                fmt::format("parts of the file table's own record are lost ({}): files may be missing", damage->what)));
        }
        if (why_not) {
            findings_.push_back(make_finding(
                "ntfs-table-mirror", Severity::warning,
                fmt::format("the first record of the file table is damaged ({}); its mirror was used", why_not->what)));
        }
        return {};
    }
    return *why_not;
}

void Volume::read_volume_file()
{
    const auto volume = file(system_file::volume);
    if (!volume.has_value()) {
        return;
    }
    if (const auto* const name = volume->find(attribute_type::volume_name); name != nullptr && name->is_resident) {
        label_ = name_from_utf16(name->value);
    }
    const auto* const information = volume->find(attribute_type::volume_information);
    const bool is_dirty = information != nullptr && information->value.size() >= 12 &&
                          (load_le<std::uint16_t>(ByteView{information->value}.subspan(10)) & volume_is_dirty) != 0;
    if (is_dirty) {
        findings_.push_back(
            make_finding("ntfs-dirty", Severity::note,
                         "the volume was not unmounted; its journal is not replayed, so the latest changes may be "
                         "missing"));
    }
}

/// Records that hold further attributes of the file.
Result<std::vector<Reference>> Volume::extensions_of(std::uint64_t number, const FileRecord& record) const
{
    const auto list = std::ranges::find(record.attributes, attribute_type::attribute_list, &Attribute::type);
    if (list == record.attributes.end()) {
        return std::vector<Reference>{};
    }
    if (list->is_compressed()) {
        return malformed({}, "a list of attributes is compressed, which none is", fmt::format("record {}", number));
    }
    const auto content = make_stream(source_, geometry_, *list, nullptr, "$ATTRIBUTE_LIST");
    const auto bytes = SALVAGE_TRY(io::read_all(*content, max_list_bytes));
    std::set<std::uint64_t> seen{number};
    std::vector<Reference> out;
    for (std::size_t at = 0; bytes.size() - at >= list_entry_bytes;) {
        const auto entry = ByteView{bytes}.subspan(at);
        const std::size_t length = load_le<std::uint16_t>(entry.subspan(4));
        if (length < list_entry_bytes) {
            break;
        }
        const auto reference = reference_at(entry.subspan(16));
        if (seen.insert(reference.record).second) {
            out.push_back(reference);
        }
        at += std::min(length, bytes.size() - at);
    }
    return out;
}

/// A record that extends `file`, in the same life of both.
Result<FileRecord> Volume::extension(const io::ByteSource& table, const Reference& reference, const File& file) const
{
    auto out = SALVAGE_TRY(read_record(table, reference.record));
    const bool is_its = out.base.record == file.number && out.is_in_use == file.is_in_use &&
                        is_same_life(file.sequence, out.base.sequence, file.is_in_use) &&
                        is_same_life(out.sequence, reference.sequence, file.is_in_use);
    if (!is_its) {
        return malformed({}, "a record of a file belongs to another one",
                         fmt::format("record {} (sequence {}) is named by {} ({}) and extends {} ({})",
                                     reference.record, out.sequence, file.number, file.sequence, out.base.record,
                                     out.base.sequence));
    }
    return out;
}

Result<File> Volume::assemble(const io::ByteSource& table, std::uint64_t number, FileRecord record) const
{
    File out{.number = number,
             .sequence = record.sequence,
             .is_in_use = record.is_in_use,
             .is_directory = record.is_directory,
             .attributes = {},
             .damage = record.damage};
    const auto extensions = extensions_of(number, record);
    if (!extensions.has_value()) {
        if (extensions.error().code == ErrorCode::io) {
            return extensions.error();
        }
        out.damage = extensions.error();
    }
    auto parts = std::move(record.attributes);
    auto references = extensions.value_or(std::vector<Reference>{});
    // No two records share bytes: whoever wants more of them wants some twice.
    const auto most = std::min(max_extensions, present_.value / geometry_.record_bytes);
    if (references.size() > most) {
        out.damage = unsupported("a file has more records than are read",
                                 fmt::format("record {} names {}, at most {}", number, references.size(), most));
        references.resize(static_cast<std::size_t>(most));
    }
    for (const auto& reference : references) {
        auto more = extension(table, reference, out);
        if (!more.has_value()) {
            out.damage = more.error();
            continue;
        }
        out.damage = more->damage ? more->damage : out.damage;
        std::ranges::move(more->attributes, std::back_inserter(parts));
    }
    out.attributes = joined(std::move(parts));
    return out;
}

Result<std::vector<ByteRange>> Volume::stored_table() const
{
    const auto extents = SALVAGE_TRY(table_->extents(io::whole(*table_)));
    std::vector<ByteRange> out;
    for (const auto& extent : extents) {
        if (extent.kind == io::ExtentKind::data) {
            out.push_back(extent.range);
        }
    }
    return out;
}

Result<File> Volume::file(std::uint64_t number, State state) const
{
    auto record = SALVAGE_TRY(read_record(*table_, number));
    if (record.is_in_use != (state == State::live)) {
        return no_such_file(number, record.is_in_use ? "is in use" : "is not in use: the file was deleted");
    }
    if (record.base != Reference{}) {
        return no_such_file(number, fmt::format("extends record {}", record.base.record));
    }
    return assemble(*table_, number, std::move(record));
}

/// The tag of a reparse point that is no link.
std::optional<std::uint32_t> Volume::filter_of(const File& file) const
{
    const auto* const point = file.find(attribute_type::reparse_point);
    if (point == nullptr) {
        return std::nullopt;
    }
    const auto stream = make_stream(source_, geometry_, *point, nullptr, "reparse point");
    const auto start = io::read_up_to(*stream, ByteOffset{0}, ByteCount{4});
    const auto tag = start.has_value() ? reparse_tag(*start) : std::nullopt;
    return tag && !is_link_tag(*tag) ? tag : std::nullopt;
}

Result<io::SourcePtr> Volume::content(const File& file, const Attribute& attribute, const FreeClusters* free_only) const
{
    if ((attribute.flags & attribute_flag::encrypted) != 0) {
        return unsupported("the content of the file is encrypted by Windows (EFS)",
                           fmt::format("record {}: its key is wrapped for a user of that Windows", file.number));
    }
    // Of a file that a filter of Windows looks after, holes are what that keeps elsewhere.
    const bool is_main = attribute.type == attribute_type::data && attribute.name.empty();
    if (is_main && !is_stored_whole(attribute, geometry_)) {
        if (const auto tag = filter_of(file)) {
            return unsupported("the content of the file is kept elsewhere, by a filter of Windows",
                               fmt::format("record {}: reparse point {:#010x}", file.number, *tag),
                               "compressed by CompactOS, deduplicated or in a cloud: open the volume with Windows");
        }
    }
    if (attribute.is_compressed()) {
        const auto unit_bytes = std::uint64_t{geometry_.cluster_bytes} << attribute.unit_shift;
        if (unit_bytes > max_unit_bytes) {
            return unsupported("a compressed file has larger units than are unpacked",
                               fmt::format("record {}: {} bytes", file.number, unit_bytes));
        }
        const auto stored = clusters_of(attribute);
        if (stored > present_.value / geometry_.cluster_bytes) {
            return unsupported("a compressed file has more clusters than there are",
                               fmt::format("record {}: {} clusters", file.number, stored));
        }
    }
    const auto name = attribute.name.empty() ? fmt::format("record {}", file.number)
                                             : fmt::format("record {}, stream {}", file.number, attribute.name);
    return make_stream(source_, geometry_, attribute, free_only, name);
}

Result<FreeClusters> Volume::free_clusters() const
{
    const auto bitmap = SALVAGE_TRY(file(system_file::bitmap).in("opening $Bitmap"));
    const auto* const data = bitmap.find(attribute_type::data);
    if (data == nullptr || data->bytes() < geometry_.clusters / 8) {
        return malformed(
            {}, "the bitmap of clusters is missing or too short",
            fmt::format("{} bytes for {} clusters", data == nullptr ? 0 : data->bytes(), geometry_.clusters));
    }
    const auto opened = SALVAGE_TRY(content(bitmap, *data));
    const auto clusters = present_clusters();
    const ByteCount of_present{(clusters + 7) / 8};
    return FreeClusters{SALVAGE_TRY(io::read_bytes(*opened, ByteOffset{0}, of_present).in("reading $Bitmap")),
                        clusters};
}

} // namespace salvage::filesystem::ntfs
