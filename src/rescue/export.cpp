// Taking files out into a folder.  The folder is described in docs/formats/export-manifest.md.
#include "salvage/rescue/export.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "rescue/content_copy.hpp"
#include "rescue/export_batch.hpp"
#include "rescue/export_listings.hpp"
#include "rescue/export_manifest.hpp"
#include "rescue/export_selection.hpp"
#include "rescue/growing_files.hpp"
#include "rescue/hash_lane.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "rescue/target_tree.hpp"
#include "rescue/walk_path.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/look.hpp"
#include "salvage/rescue/walk.hpp"

namespace salvage::rescue {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

constexpr std::string_view journal_name = ".salvage-export.journal";
constexpr std::string_view unfinished_folder = ".salvage-export.partial";

// The largest file ext4 knows (4096-byte blocks); a larger size is a damaged inode.
constexpr ByteCount max_file_size{16ULL << 40U};
// So many I/O failures in a row mean that the source is gone, not that its files are bad.
constexpr unsigned max_failures_in_a_row = 16;
// FAT keeps times in steps of two seconds.
constexpr std::int64_t time_step_seconds = 2;

bool is_reserved_on_top(std::string_view name) noexcept
{
    return name.starts_with(".salvage-export") || is_list_name(name);
}

/// How a file's content came across.
struct Copied {
    UnfinishedFile file;
    std::string sha256; ///< empty: not computed
    Losses losses;
};

/// A copy that did not come about, for a reason in the source.
struct NotCopied {
    Error error;
};

class Exporter {
public:
    Exporter(const filesystem::FileSystem& filesystem, OutFolder folder, TargetTree tree, Journal journal,
             ExportLists lists, FinishedFiles finished, ExportSelection selection, const RunContext& context)
        : filesystem_{&filesystem}, folder_{std::move(folder)}, tree_{std::move(tree)}, finished_{std::move(finished)},
          selection_{std::move(selection)}, context_{&context}, total_{selection_.total()},
          batch_{tree_, report_, std::move(journal), std::move(lists)}
    {
    }

    Result<ExportReport> run(const std::string& path, const Entry& top, const std::string& top_folder)
    {
        base_ = top.type == EntryType::directory ? path : path.substr(0, path.rfind('/'));
        if (!top_folder.empty()) {
            SALVAGE_TRY(tree_.make_folder({.folder = {}, .name = top_folder}));
        }
        folders_.emplace(base_, top_folder);
        auto done = walk_and_finish(path);
        if (!done.has_value()) {
            return with_need(std::move(done).error(), total_ - std::min(total_, done_), folder_.path());
        }
        report_.manifest = (folder_.path() / manifest_name).string();
        report_.sums = (folder_.path() / sums_name).string();
        report_.manifest_sha256 = SALVAGE_TRY(sha256_of_file(report_.manifest));
        return std::move(report_);
    }

private:
    Result<> walk_and_finish(const std::string& path)
    {
        const auto visit = [this](const ListedEntry& listed) { return take(listed); };
        auto walked = walk(*filesystem_, path, Recursive::yes, visit, *context_);
        if (!walked.has_value()) {
            // What is copied need not be copied again.
            ignore(batch_.finish(), "the first error is the one that matters");
            return walked;
        }
        SALVAGE_TRY(batch_.finish());
        // Innermost first: dressing a folder is the last thing that happens in it.
        for (const auto& [folder, entry] : dressing_ | std::views::reverse) {
            tree_.dress_folder(folder, entry);
        }
        tell_of_encrypted();
        SALVAGE_TRY(batch_.commit());
        tree_.close();
        std::error_code best_effort; // left behind, it is read together with the manifest
        std::filesystem::remove(folder_.path() / journal_name, best_effort);
        return {};
    }

    Result<> take(const ListedEntry& listed)
    {
        if (!selection_.takes(listed)) {
            return {};
        }
        if (listed.entry.is_encrypted) {
            ++encrypted_;
        }
        if (is_top(listed)) {
            fail(listed.path, listed.problem ? to_string(*listed.problem) : std::string{}, ByteCount{0}, true);
            return source_is_there(listed.problem);
        }
        auto place = place_of(listed);
        if (!place) {
            return add_only_to_manifest(listed, "the folder that holds it could not be made");
        }
        switch (listed.entry.type) {
        case EntryType::directory: return take_folder(listed, *std::move(place));
        case EntryType::symlink: return take_symlink(listed, *std::move(place));
        case EntryType::file: return take_file(listed, *std::move(place));
        default: ++report_.others; return add_only_to_manifest(listed, {});
        }
    }

    /// The walk tells of the folder it began with only when something is wrong with it.
    [[nodiscard]] bool is_top(const ListedEntry& listed) const
    {
        return listed.entry.type == EntryType::directory && (listed.path == base_ || listed.path == "/");
    }

    /// Nothing where the folder above was not made.
    [[nodiscard]] std::optional<TreePlace> place_of(const ListedEntry& listed)
    {
        const auto parent = listed.path.substr(0, listed.path.size() - listed.entry.name.size() - 1);
        const auto folder = folders_.find(parent);
        if (folder == folders_.end()) {
            return std::nullopt;
        }
        TreePlace place{.folder = folder->second, .name = listed.entry.name};
        if (!is_holdable(place.name) || (place.folder.empty() && is_reserved_on_top(place.name))) {
            use_substitute(place, listed.path, listed.entry, report_);
        }
        return place;
    }

    void fail(const std::string& path, std::string reason, ByteCount lost, bool is_partial)
    {
        report_.failed.push_back({.path = path, .reason = std::move(reason), .lost = lost, .is_partial = is_partial});
    }

    /// Damage is one thing; a source that was pulled out is another, and then the rest is for the next run.
    Result<> source_is_there(const std::optional<Error>& problem)
    {
        if (!problem || problem->code != ErrorCode::io) {
            return {};
        }
        ++failures_in_a_row_;
        return failures_in_a_row_ < max_failures_in_a_row ? Result<>{} : Result<>{*problem};
    }

    static ManifestEntry line_of(const ListedEntry& listed, std::optional<std::string> stored)
    {
        return {.path = listed.path,
                .entry = listed.entry,
                .target = listed.target,
                .stored = std::move(stored),
                .link_of = {},
                .lost = {},
                .stored_sha256 = {},
                .problem = {},
                .attributes = {}};
    }

    Result<> add_only_to_manifest(const ListedEntry& listed, const std::string& problem)
    {
        auto line = line_of(listed, std::nullopt);
        line.problem = problem;
        if (!problem.empty()) {
            line.lost = listed.entry.type == EntryType::file ? listed.entry.size : ByteCount{0};
            fail(listed.path, problem, line.lost, false);
        }
        return batch_.push({.line = std::move(line), .place = {}, .file = {}});
    }

    Result<> take_folder(const ListedEntry& listed, TreePlace place)
    {
        auto made = tree_.make_folder(place);
        if (!made.has_value() && is_about_the_name(made.error())) {
            use_substitute(place, listed.path, listed.entry, report_);
            made = tree_.make_folder(place);
        }
        if (!made.has_value() && is_about_the_name(made.error())) {
            return add_only_to_manifest(listed, to_string(made.error()));
        }
        SALVAGE_TRY(std::move(made));
        ++report_.directories;
        folders_.insert_or_assign(listed.path, place.path());
        dressing_.emplace_back(place.path(), listed.entry);
        auto line = line_of(listed, place.path());
        if (listed.problem) {
            line.problem = to_string(*listed.problem);
            fail(listed.path, line.problem, ByteCount{0}, true);
            SALVAGE_TRY(source_is_there(listed.problem));
        }
        line.attributes = attributes_of(listed.entry);
        return batch_.push({.line = std::move(line), .place = {}, .file = {}});
    }

    [[nodiscard]] filesystem::ExtendedAttributes attributes_of(const Entry& entry) const
    {
        auto found = filesystem_->extended_attributes(entry.inode);
        return found.has_value() ? *std::move(found) : filesystem::ExtendedAttributes{};
    }

    Result<> take_symlink(const ListedEntry& listed, const TreePlace& place)
    {
        if (listed.problem) {
            SALVAGE_TRY(source_is_there(listed.problem));
            return add_only_to_manifest(listed, to_string(*listed.problem));
        }
        auto made = tree_.make_symlink(place, listed.target, listed.entry);
        if (!made.has_value() && tree_.existing_symlink(place) != listed.target) {
            if (!is_about_the_name(made.error()) && made.error().code != ErrorCode::unsupported) {
                return std::move(made).error();
            }
            return add_only_to_manifest(listed, to_string(made.error()));
        }
        ++report_.symlinks;
        return batch_.push({.line = line_of(listed, place.path()), .place = {}, .file = {}});
    }

    Result<> take_file(const ListedEntry& listed, TreePlace place)
    {
        const auto& entry = listed.entry;
        if (batch_.holds(entry.inode)) {
            SALVAGE_TRY(batch_.finish()); // the first name must be there before the second
        }
        if (const auto* const known = finished_.find(listed.path, entry); known != nullptr && is_kept(*known, entry)) {
            return keep(listed, *known);
        }
        if (const auto* const first = batch_.first_name(entry.inode); first != nullptr) {
            auto linked = SALVAGE_TRY(link(listed, place, *first));
            if (linked) {
                return batch_.push(*std::move(linked));
            }
        }
        return copy(listed, std::move(place));
    }

    /// Whether what an earlier run finished is still there, and nothing more of it can be read by now.
    bool is_kept(const FinishedFile& known, const Entry& entry)
    {
        const auto place = split_path(known.stored);
        const auto there = tree_.existing(place);
        const auto seconds = there ? there->mtime_seconds - entry.modified.seconds : 0;
        if (!there || there->size != entry.size || std::abs(seconds) > time_step_seconds) {
            return false;
        }
        if (known.lost.value > 0 && announced_loss(entry) != known.lost) {
            tree_.remove_file(place);
            return false;
        }
        return true;
    }

    static TreePlace split_path(const std::string& path)
    {
        const auto slash = path.rfind('/');
        return slash == std::string::npos ? TreePlace{.folder = {}, .name = path}
                                          : TreePlace{.folder = path.substr(0, slash), .name = path.substr(slash + 1)};
    }

    [[nodiscard]] ByteCount announced_loss(const Entry& entry) const
    {
        const auto content = filesystem_->open(entry.inode);
        Losses losses;
        if (content.has_value() && (*content)->size() <= max_file_size) {
            for (std::uint64_t at = 0; at < (*content)->size().value; at += window_bytes) {
                const auto window = *ByteRange::make(ByteOffset{at}, ByteCount{window_bytes});
                losses.add(
                    (*content)->extents(window.intersection(io::whole(**content))).value_or(std::vector<io::Extent>{}));
            }
        }
        return losses.total();
    }

    Result<> keep(const ListedEntry& listed, const FinishedFile& known)
    {
        auto line = line_of(listed, known.stored);
        line.lost = known.lost;
        line.stored_sha256 = known.stored_sha256;
        line.attributes = attributes_of(listed.entry);
        if (line.lost.value > 0) {
            line.problem = describe_loss(line.lost);
            fail(listed.path, line.problem, line.lost, true);
        }
        ++report_.resumed;
        if (const auto* const first = batch_.first_name(listed.entry.inode); first != nullptr) {
            line.link_of = first->stored;
        } else {
            advance(listed.entry.size);
        }
        return batch_.push({.line = std::move(line), .place = {}, .file = {}, .is_new = false});
    }

    void advance(ByteCount bytes)
    {
        done_ = ByteCount{checked_add(done_.value, bytes.value).value_or(done_.value)};
        context_->progress->update(
            {.step = "export", .unit = "bytes", .done = std::min(done_, total_).value, .total = total_.value});
    }

    /// The lines of a second name; nothing where the medium knows no such thing.
    Result<std::optional<PendingEntry>> link(const ListedEntry& listed, const TreePlace& place,
                                             const FinishedFile& first)
    {
        const auto made = tree_.make_link(split_path(first.stored), place);
        if (!made.has_value() && made.error().code == ErrorCode::already_exists) {
            // A run that was killed before it wrote its journal may have made it.
            const auto sum = tree_.sha256_of(place);
            if (!sum.has_value() || *sum != first.stored_sha256) {
                return std::optional<PendingEntry>{};
            }
        } else if (!made.has_value() && made.error().code == ErrorCode::no_space) {
            return made.error();
        } else if (!made.has_value()) {
            return std::optional<PendingEntry>{};
        }
        auto line = line_of(listed, place.path());
        line.link_of = first.stored;
        line.lost = first.lost;
        line.stored_sha256 = first.stored_sha256;
        line.attributes = attributes_of(listed.entry);
        if (line.lost.value > 0) {
            line.problem = describe_loss(line.lost);
            fail(listed.path, line.problem, line.lost, true);
        }
        return std::optional{PendingEntry{.line = std::move(line), .place = place, .file = {}}};
    }

    Result<> copy(const ListedEntry& listed, TreePlace place)
    {
        auto copied = SALVAGE_TRY(copy_content(listed).in("exporting " + printable(listed.path)));
        if (const auto* const trouble = std::get_if<NotCopied>(&copied)) {
            SALVAGE_TRY(source_is_there(trouble->error));
            return add_only_to_manifest(listed, to_string(trouble->error));
        }
        auto& whole = std::get<Copied>(copied);
        failures_in_a_row_ = 0;
        PendingEntry pending{.line = line_of(listed, place.path()), .place = std::move(place), .file = {}};
        pending.line.attributes = attributes_of(listed.entry);
        tree_.dress(whole.file, listed.entry, pending.line.attributes);
        pending.line.lost = whole.losses.total();
        pending.line.stored_sha256 = std::move(whole.sha256);
        if (!whole.losses.is_empty()) {
            pending.line.problem = describe_loss(whole.losses.total());
            fail(listed.path, pending.line.problem, whole.losses.total(), true);
        } else if (pending.line.stored_sha256.empty()) {
            pending.line.problem = "no hash was computed: it has too many holes";
            fail(listed.path, pending.line.problem, ByteCount{0}, true);
        }
        pending.file = UnfinishedFile{.descriptor = {}, .name = whole.file.name};
        return batch_.push(std::move(pending));
    }

    /// Errors: those of the target.
    Result<std::variant<Copied, NotCopied>> copy_content(const ListedEntry& listed)
    {
        auto content = filesystem_->open(listed.entry.inode);
        if (!content.has_value()) {
            return NotCopied{std::move(content).error().in("opening " + printable(listed.path))};
        }
        const auto& source = **content;
        if (source.size() > max_file_size) {
            return NotCopied{unsupported("the size it claims cannot be", fmt::format("{} bytes", source.size().value))};
        }
        Copied out{.file = SALVAGE_TRY(tree_.start_file()), .sha256 = {}, .losses = {}};
        if (auto sized = TargetTree::set_size(out.file, source.size()); !sized.has_value()) {
            tree_.drop(out.file);
            return NotCopied{std::move(sized).error()};
        }
        ContentCopy copying{source, out.file, pool_, lane_, *context_};
        auto trouble = copying.run([this](ByteCount bytes) { advance(bytes); });
        if (!trouble.has_value()) {
            tree_.drop(out.file); // on a full medium this is the room that the journal needs
            return std::move(trouble).error();
        }
        if (*trouble) {
            tree_.drop(out.file);
            return NotCopied{**std::move(trouble)};
        }
        out.sha256 = copying.take_sha256();
        out.losses = copying.take_losses();
        return out;
    }

    void tell_of_encrypted()
    {
        if (encrypted_ > 0) {
            fail(base_.empty() ? "/" : base_,
                 fmt::format("{} entries are encrypted one by one (file-based encryption): their names and contents "
                             "were written as ciphertext",
                             encrypted_),
                 ByteCount{0}, true);
        }
    }

    const filesystem::FileSystem* filesystem_;
    OutFolder folder_;
    TargetTree tree_;
    FinishedFiles finished_;
    ExportSelection selection_;
    const RunContext* context_;
    ByteCount total_; ///< for progress and for what a full medium would have needed
    ExportReport report_;
    ExportBatch batch_; ///< of tree_ and report_

    std::string base_;                                     ///< path of what lands in the folder directly
    std::unordered_map<std::string, std::string> folders_; ///< path in the filesystem → stored path
    std::vector<std::pair<std::string, Entry>> dressing_;  ///< stored folders, outermost first
    ByteCount done_;
    std::uint64_t encrypted_{0};
    unsigned failures_in_a_row_{0};
    BufferPool pool_{4, chunk_bytes};
    HashLane lane_;
};

/// A manifest of an earlier run becomes the journal of this one: while there is a manifest, the export is complete.
Result<FinishedFiles> recall(const std::filesystem::path& folder)
{
    FinishedFiles finished;
    finished.load(folder / journal_name);
    const auto manifest = folder / manifest_name;
    std::error_code problem;
    if (std::filesystem::exists(manifest, problem)) {
        finished.load(manifest);
        std::filesystem::rename(manifest, folder / journal_name, problem);
    }
    for (const auto& name : {sums_name, body_name, dfxml_name}) {
        if (!problem) {
            std::filesystem::remove(folder / name, problem);
        }
    }
    if (problem) {
        return from_errno(problem.value(), "an earlier run's manifest cannot be taken over", folder.string());
    }
    return finished;
}

} // namespace

Result<ExportReport> export_folder(const filesystem::FileSystem& filesystem, const std::filesystem::path& out,
                                   const ExportOptions& options, const RunContext& context)
{
    if (!options.paths.empty()) {
        return invalid_argument("several paths go into an archive only", "a folder takes one");
    }
    const auto top = SALVAGE_TRY(filesystem::find_path(filesystem, options.path));
    auto path = normal_path(options.path);
    if (!options.top_folder.empty() && (!is_holdable(options.top_folder) || is_reserved_on_top(options.top_folder))) {
        return invalid_argument("the top folder's name cannot be used", printable(options.top_folder),
                                "take a plain name: data");
    }
    const auto source =
        fmt::format("{}; path {}{}{}", options.source_identity, path.empty() ? "/" : path,
                    options.top_folder.empty() ? "" : "; in " + options.top_folder, identity_of(options.filter));
    auto selection = SALVAGE_TRY(ExportSelection::make(filesystem, {path}, options.filter, context));
    auto folder = SALVAGE_TRY(OutFolder::claim(out, {.state_name = ".salvage-export.json",
                                                     .schema = "salvage.export-state/1",
                                                     .source = source,
                                                     .work = "export"}));
    auto finished = SALVAGE_TRY(recall(out));
    auto tree = SALVAGE_TRY(TargetTree::open(folder.descriptor(), out, std::string{unfinished_folder}));
    auto journal = SALVAGE_TRY(Journal::open(out / journal_name));
    auto lists = SALVAGE_TRY(ExportLists::begin(out, options.source_identity));
    return Exporter{filesystem,       std::move(folder),   std::move(tree),      std::move(journal),
                    std::move(lists), std::move(finished), std::move(selection), context}
        .run(path, top, options.top_folder);
}

} // namespace salvage::rescue
