#include "salvage/rescue/extract.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rescue/extract_folder.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/phone_files.hpp"
#include "salvage/core/text.hpp"

namespace salvage::rescue {
namespace {

Result<> check_kinds(const std::vector<std::string>& only)
{
    const auto known = extract_kinds();
    for (const auto& name : only) {
        if (std::ranges::find(known, name) == known.end()) {
            std::string all;
            for (const auto& kind : known) {
                all += (all.empty() ? "" : ", ") + kind;
            }
            return invalid_argument(fmt::format("there is no kind of data called '{}'", printable(name)), {},
                                    "take one of " + all);
        }
    }
    return {};
}

} // namespace

bool ExtractReport::is_empty() const noexcept
{
    return std::ranges::all_of(kinds, [](const auto& kind) { return kind.items == 0; });
}

std::vector<std::string> extract_kinds()
{
    std::vector<std::string> out;
    for (const auto& kind : artifact::kinds()) {
        out.emplace_back(kind.name);
    }
    return out;
}

Result<> extract_into(artifact::Sink& sink, const filesystem::FileSystem& files, const std::vector<std::string>& only,
                      const io::SourcePtr& system_properties, const std::function<void(artifact::KindReport)>& done,
                      const RunContext& context, DeletedRows deleted)
{
    SALVAGE_TRY(check_kinds(only));
    const PhoneFilesOf phone{files, system_properties};
    artifact::Extraction extraction{.files = &phone, .sink = &sink, .context = &context};
    SALVAGE_TRY(artifact::learn_names(extraction));
    const auto take_out = [&](std::span<const artifact::Kind> all) -> Result<> {
        for (const auto& kind : all) {
            if (only.empty() || std::ranges::find(only, kind.name) != only.end()) {
                done(SALVAGE_TRY(kind.extract(extraction).in(fmt::format("taking out {}", kind.title))));
            }
        }
        return {};
    };
    SALVAGE_TRY(take_out(artifact::kinds()));
    return deleted == DeletedRows::look_for ? take_out(artifact::deleted_kinds()) : Result<>{};
}

Result<ExtractReport> extract(const filesystem::FileSystem& files, const std::filesystem::path& out,
                              const ExtractRequest& request, const ExtractPages& pages, const RunContext& context)
{
    SALVAGE_TRY(check_kinds(request.only));
    ExtractReport report;
    report.source = request.source;
    auto claimed = request;
    for (const auto& kind : request.only) { // what was begun with one choice is not gone on with by another
        claimed.source_identity += "; " + kind;
    }
    claimed.source_identity += request.deleted == DeletedRows::look_for ? "; with deleted rows" : "";
    const auto folder = SALVAGE_TRY(ExtractFolder::open(out, claimed, pages, report, context));
    const auto keep = [&report](artifact::KindReport kind) { report.kinds.push_back(std::move(kind)); };
    auto done = extract_into(*folder, files, request.only, request.system_properties, keep, context, request.deleted);
    done = done.has_value() ? folder->finish() : std::move(done);
    if (!done.has_value()) {
        return with_need(std::move(done).error(), ByteCount{0}, out);
    }
    return report;
}

} // namespace salvage::rescue
