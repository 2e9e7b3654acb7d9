#include "salvage/rescue/extract_log.hpp"

#include <array>

#include <fmt/format.h>

#include "salvage/core/text.hpp"
#include "salvage/crypto/hash.hpp"
#include "salvage/io/pieces.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::rescue {
namespace {

Result<std::string> sha256_of(const std::filesystem::path& path)
{
    const auto file = SALVAGE_TRY(io::open_file(path));
    crypto::Sha256 hash;
    SALVAGE_TRY(io::for_each_piece(*file, [&](ByteOffset /*at*/, ByteView part) -> Result<> {
        hash.update(part);
        return {};
    }));
    return to_hex(hash.finish());
}

} // namespace

Result<ExtractLog> ExtractLog::open(const std::filesystem::path& source, const Invocation& invocation,
                                    const std::filesystem::path& out, const RunContext& context)
{
    ExtractLog log;
    std::error_code problem;
    if (!std::filesystem::exists(source / "case.json", problem)) {
        return log;
    }
    log.log_ = SALVAGE_TRY(CaseLog::open(source / "log.jsonl", *context.clock));
    const std::array data{LogField{.key = "version", .value = invocation.version},
                          LogField{.key = "verb", .value = invocation.verb},
                          LogField{.key = "options", .value = invocation.options},
                          LogField{.key = "out", .value = std::filesystem::absolute(out, problem).string()}};
    log.log_->write("extract.start", "photos, contacts, messages and the rest are taken out", data);
    return log;
}

Result<> ExtractLog::end(const Result<ExtractReport>& report)
{
    if (log_ == nullptr) {
        return {};
    }
    if (!report.has_value()) {
        const std::array data{LogField{.key = "code", .value = std::string{to_string(report.error().code)}}};
        log_->write("extract.ended", printable(report.error().what), data);
        return {};
    }
    std::vector<std::string> kinds;
    for (const auto& kind : report->kinds) {
        kinds.push_back(fmt::format("{}: {}", kind.name, kind.items));
    }
    const std::array data{LogField{.key = "files", .value = report->files},
                          LogField{.key = "bytes", .value = report->bytes.value},
                          LogField{.key = "kinds", .value = kinds},
                          LogField{.key = "manifest_sha256", .value = SALVAGE_TRY(sha256_of(report->manifest))},
                          LogField{.key = "sums_sha256", .value = SALVAGE_TRY(sha256_of(report->sums))}};
    log_->write("extract.done", fmt::format("{} files were taken out", report->files), data);
    return {};
}

} // namespace salvage::rescue
