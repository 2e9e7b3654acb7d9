// Targets and plans of a search.
#include "salvage/rescue/crack.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/fde/hash_lines.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

// One $fde$ line is about 3.4 KB; a file of lines takes the first.
constexpr ByteCount max_hash_file{1U << 20U};

std::optional<std::string> hash_line_in(const std::filesystem::path& path)
{
    const auto file = io::open_file(path);
    if (!file.has_value() || (*file)->size() > max_hash_file) {
        return std::nullopt;
    }
    const auto bytes = io::read_all(**file, max_hash_file);
    if (!bytes.has_value()) {
        return std::nullopt;
    }
    const auto text = as_text(*bytes);
    const auto line = text.substr(0, text.find_first_of("\r\n"));
    const bool is_samsung = line.size() == 160 && from_hex(line).has_value();
    return line.starts_with("$fde$") || is_samsung ? std::optional{std::string{line}} : std::nullopt;
}

Result<CrackTarget> target_of_line(const std::string& path, const std::string& line)
{
    auto parsed = SALVAGE_TRY(fde::parse_hash_line(line).in("reading the hash line of " + path));
    CrackTarget out{.name = path, .subject = {}};
    out.subject.unlocker = SALVAGE_TRY(fde::make_unlocker(parsed.footer));
    if (!parsed.sectors.empty()) {
        out.subject.userdata = io::make_memory(std::move(parsed.sectors), path + ": sectors 0 to 2");
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
    return CrackTarget{.name = fmt::format("{}+{:#x}", found.file.empty() ? dump.path : found.file, found.offset.value),
                       .subject = SALVAGE_TRY(search_subject(dump, found, std::move(*unlocker)))};
}

} // namespace

Result<CrackTarget> crack_target(const DumpRequest& dump_request, const OpenRequest& request, const RunContext& context)
{
    if (const auto line = hash_line_in(dump_request.path)) {
        return target_of_line(dump_request.path.string(), *line);
    }
    const auto dump = SALVAGE_TRY(open_dump(dump_request));
    const auto footers = SALVAGE_TRY(find_footers(dump, context));
    if (footers.footers.empty()) {
        return not_found("no crypto footer was found",
                         fmt::format("searched: the known places and every byte of {}", dump.path),
                         "give it with --footer FILE");
    }
    std::optional<Error> first;
    for (const auto& found : footers.footers) {
        auto target = target_of_footer(dump, found, request);
        if (target.has_value()) {
            return target;
        }
        if (!first) {
            first = target.error();
        }
    }
    return *first;
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

Result<PinRange> parse_pin_range(const std::string& text)
{
    PinRange out;
    const auto* const end = text.data() + text.size();
    auto step = std::from_chars(text.data(), end, out.min);
    out.max = out.min;
    if (step.ec == std::errc{} && step.ptr != end && *step.ptr == '-') {
        step = std::from_chars(step.ptr + 1, end, out.max);
    }
    if (step.ec != std::errc{} || step.ptr != end || out.min > out.max) {
        return invalid_argument(fmt::format("'{}' is no number of digits", printable(text)),
                                "4 to 16, or a range as 4-6, was expected");
    }
    return out;
}

} // namespace salvage::rescue
