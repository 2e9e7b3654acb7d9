// What the owner came for: photos, contacts, messages, taken out of the opened volume in forms that people read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/artifact/extraction.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/filesystem/filesystem.hpp"
#include "salvage/rescue/dump.hpp"

namespace salvage::rescue {

/// Whether what databases hold of deleted rows is looked for.
enum class DeletedRows : bool { leave, look_for };

struct ExtractRequest {
    std::string source;                ///< as reports name it
    std::string source_identity;       ///< an unfinished extraction of the same source goes on; of another is refused
    std::vector<std::string> only{};   ///< names of kinds; empty: all
    io::SourcePtr system_properties{}; ///< build.prop of the system partition, or null
    DeletedRows deleted{DeletedRows::leave};
};

struct ExtractReport {
    std::string source;
    std::string out;
    std::vector<artifact::KindReport> kinds;
    std::uint64_t files{};      ///< in the folder, pages and lists included
    std::uint64_t duplicates{}; ///< of them second names of the same bytes
    std::uint64_t lossy{};      ///< of them some bytes could not be read
    std::uint64_t unlisted{};   ///< contacts, conversations, days that the first page's search does not find
    ByteCount bytes;
    std::string index;    ///< path of index.html
    std::string manifest; ///< path of manifest.jsonl
    std::string sums;     ///< path of SHA256SUMS

    /// Whether nothing of any kind that was looked for is there.
    [[nodiscard]] bool is_empty() const noexcept;
};

/// A page as it is written.
struct DrawnPage {
    std::string path; ///< in the folder
    std::string html;
};

/// Draws pages.  Everything in them comes from a phone and may hold anything: markup, line ends, bytes that are no
/// text.
class ExtractPages {
public:
    ExtractPages() = default;
    ExtractPages(const ExtractPages&) = delete;
    ExtractPages& operator=(const ExtractPages&) = delete;
    virtual ~ExtractPages() = default;
    /// Several where the table is long: the first has the page's own path.
    [[nodiscard]] virtual std::vector<DrawnPage> draw(const artifact::TablePage& page) const = 0;
    [[nodiscard]] virtual DrawnPage draw(const artifact::ConversationPage& page) const = 0;
    [[nodiscard]] virtual DrawnPage draw(const artifact::GalleryPage& page) const = 0;
    [[nodiscard]] virtual DrawnPage draw_front(const ExtractReport& report,
                                               const std::vector<artifact::IndexEntry>& entries) const = 0;
    /// extract.json.
    [[nodiscard]] virtual std::string json(const ExtractReport& report) const = 0;
};

/// build.prop of the dump's system partition, in memory; null where there is none to be read.
[[nodiscard]] io::SourcePtr system_properties_of(const Dump& dump);

/// Names of the kinds, as `only` takes them.
[[nodiscard]] std::vector<std::string> extract_kinds();

/// Hands everything wanted to `sink`, one kind after the other; `done` is told of each as soon as it is.  What is
/// damaged or encrypted is in its report, and the rest goes on.  What was deleted comes last, as kinds of its own.
/// Progress: the sink's.  Errors: invalid_argument (a kind that is none), those of the sink, cancelled.
[[nodiscard]] Result<> extract_into(artifact::Sink& sink, const filesystem::FileSystem& files,
                                    const std::vector<std::string>& only, const io::SourcePtr& system_properties,
                                    const std::function<void(artifact::KindReport)>& done, const RunContext& context,
                                    DeletedRows deleted = DeletedRows::leave);

/// Takes everything wanted out into `out`: a folder that is new, empty, or an extraction of the same source.
///
/// Progress: step "extract", unit "files".  Memory: a few hundred bytes a file, and one page.
/// Errors: invalid_argument (a kind that is none), already_exists (the folder holds something else), no_space, io,
/// cancelled.  What is damaged, encrypted or beyond Bounds is in the report, and the rest goes on.
[[nodiscard]] Result<ExtractReport> extract(const filesystem::FileSystem& files, const std::filesystem::path& out,
                                            const ExtractRequest& request, const ExtractPages& pages,
                                            const RunContext& context);

} // namespace salvage::rescue
