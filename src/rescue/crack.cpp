// Targets and plans of a search.
#include "salvage/rescue/crack.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/fde/hash_lines.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

// One $fde$ line is about 3.4 KB, and a search takes no more footers than a session does.
constexpr ByteCount max_hash_file{4U << 20U};

bool is_hash_line(std::string_view line)
{
    const bool is_samsung = line.size() == 160 && from_hex(line).has_value();
    return line.starts_with("$fde$") || line.starts_with("$salvage$") || is_samsung;
}

/// The lines of a file of hash lines, empty ones and comments (#) left out; nothing where the first is none.
std::optional<std::vector<std::string>> hash_lines_in(const std::filesystem::path& path)
{
    const auto file = io::open_file(path);
    if (!file.has_value() || (*file)->size() > max_hash_file) {
        return std::nullopt;
    }
    const auto bytes = io::read_all(**file, max_hash_file);
    if (!bytes.has_value()) {
        return std::nullopt;
    }
    std::vector<std::string> out;
    auto text = as_text(*bytes);
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = trimmed(text.substr(0, end));
        const bool says_something = !line.empty() && !line.starts_with('#');
        if (out.empty() && says_something && !is_hash_line(line)) {
            return std::nullopt;
        }
        if (says_something) {
            out.emplace_back(line);
        }
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

Result<CrackTarget> target_of_line(const std::string& name, const std::string& line)
{
    auto parsed = SALVAGE_TRY(fde::parse_hash_line(line).in("reading the hash line of " + name));
    CrackTarget out{.name = name, .hash = line, .subject = {}};
    out.subject.unlocker = SALVAGE_TRY(fde::make_unlocker(parsed.footer));
    if (!parsed.sectors.empty()) {
        out.subject.userdata = io::make_memory(std::move(parsed.sectors), name + ": start of userdata");
        out.subject.disk_lba = parsed.disk_lba;
    }
    return out;
}

/// People are told file and line; programs, and the potfile, the line itself, as hashcat does.
Result<std::vector<CrackTarget>> targets_of_lines(const std::string& path, const std::vector<std::string>& lines)
{
    std::vector<CrackTarget> out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto name = lines.size() == 1 ? path : fmt::format("{}:{}", path, i + 1);
        out.push_back(SALVAGE_TRY(target_of_line(name, lines[i])));
    }
    return out;
}

Result<CrackTarget> target_of_footer(const Dump& dump, const FoundFooter& found, const OpenRequest& request)
{
    const auto* const phone_keys = request.phone_keys ? &*request.phone_keys : nullptr;
    auto unlocker = fde::make_unlocker(found.footer, phone_keys);
    if (!unlocker.has_value()) {
        auto error = std::move(unlocker).error();
        error.why = fde::can_open_offline(found.footer).reason;
        return error;
    }
    auto subject = SALVAGE_TRY(search_subject(dump, found, std::move(*unlocker)));
    const auto name = fmt::format("{}+{:#x}", found.file.empty() ? dump.path : found.file, found.offset.value);
    auto hash = printable(name);
    std::ranges::replace(hash, ':', '_');
    return CrackTarget{.name = name, .hash = std::move(hash), .subject = std::move(subject)};
}

} // namespace

Result<std::vector<CrackTarget>> crack_targets(const DumpRequest& dump_request, const OpenRequest& request,
                                               FootersOf which, const RunContext& context)
{
    if (const auto lines = hash_lines_in(dump_request.path)) {
        return targets_of_lines(dump_request.path.string(), *lines);
    }
    const auto dump = SALVAGE_TRY(open_dump(dump_request));
    const auto footers = SALVAGE_TRY(find_footers(dump, context));
    if (footers.footers.empty()) {
        return not_found("no crypto footer was found",
                         fmt::format("searched: the known places and every byte of {}", dump.path),
                         "give it with --footer FILE; a list of hash lines has them at the beginnings of its lines");
    }
    std::vector<CrackTarget> out;
    std::optional<Error> first;
    for (const auto& found : footers.footers) {
        auto target = target_of_footer(dump, found, request);
        if (target.has_value()) {
            out.push_back(std::move(*target));
        } else if (!first) {
            first = target.error();
        }
        if (!out.empty() && which == FootersOf::dump_best) {
            break;
        }
    }
    if (out.empty()) {
        return *first;
    }
    return out;
}

Result<std::string> hash_line_of(const Dump& dump, const FoundFooter& found)
{
    const auto subject = SALVAGE_TRY(search_subject(dump, found, {}));
    const auto head = [&](std::size_t bytes) -> Result<Bytes> {
        return subject.userdata ? io::read_up_to(*subject.userdata, ByteOffset{0}, ByteCount{bytes}) : Bytes{};
    };
    const auto sectors = SALVAGE_TRY(head(fde::hash_line_sector_bytes).in("reading the first sectors of userdata"));
    if (auto line = fde::format_hash_line(found.footer, sectors); line.has_value()) {
        return line;
    }
    const auto start = SALVAGE_TRY(head(fde::salvage_line_userdata_bytes).in("reading the start of userdata"));
    return fde::format_salvage_line(found.raw, subject.disk_lba, start);
}

Result<SearchSubject> search_subject(const Dump& dump, const FoundFooter& found,
                                     std::unique_ptr<const fde::Unlocker> unlocker)
{
    SearchSubject out{.unlocker = std::move(unlocker), .userdata = {}, .disk_lba = {}};
    // A file that holds little more than the footer is no userdata to prove a key on.
    const bool is_image_of_its_own = dump.is_bare && found.file.empty() && found.offset.value == 0;
    const auto userdata = userdata_of(dump);
    if (!userdata || is_image_of_its_own || is_footer_alone(dump)) {
        return out;
    }
    out.userdata = SALVAGE_TRY(open_partition(dump, *userdata));
    out.disk_lba = SectorIndex{userdata->start.value / sector_512().bytes()};
    return out;
}

} // namespace salvage::rescue
