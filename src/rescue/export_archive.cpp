// A tree as one stream.  What an entry's lines say is what export_folder says: docs/formats/export-manifest.md.
#include "salvage/rescue/export_archive.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "rescue/archive_writer.hpp"
#include "rescue/export_listings.hpp"
#include "rescue/export_manifest.hpp"
#include "rescue/export_selection.hpp"
#include "rescue/hash_lane.hpp"
#include "rescue/out_folder.hpp"
#include "rescue/pieces.hpp"
#include "rescue/target_tree.hpp"
#include "rescue/walk_path.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/rescue/walk.hpp"

namespace salvage::rescue {
namespace {

using filesystem::EntryType;

constexpr std::string_view lists_folder = "salvage-export";
// The largest file ext4 knows (4096-byte blocks); a larger size is a damaged inode.
constexpr ByteCount max_file_size{16ULL << 40U};

/// Text that waits outside of memory until it is asked for.
class Spool {
public:
    static Result<Spool> make()
    {
        Spool out;
        if (!out.file_) {
            return from_errno(errno, "no temporary file for the manifest", "TMPDIR, /tmp");
        }
        return out;
    }
    Result<> append(std::string_view text)
    {
        hash_.update(as_bytes(text));
        size_.value += text.size();
        return std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()
                   ? Result<>{}
                   : from_errno(errno, "the temporary file of the manifest cannot be written", "TMPDIR, /tmp");
    }
    [[nodiscard]] ByteCount size() const noexcept { return size_; }
    /// Of all that was appended; nothing is appended after it.
    [[nodiscard]] std::string finish_sha256() { return to_hex(hash_.finish()); }
    Result<> write_to(ArchiveWriter& writer)
    {
        if (std::fseek(file_.get(), 0, SEEK_SET) != 0) {
            return from_errno(errno, "the temporary file of the manifest cannot be read", "TMPDIR, /tmp");
        }
        Bytes buffer(chunk_bytes);
        for (auto left = size_.value; left > 0;) {
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
            if (std::fread(buffer.data(), 1, wanted, file_.get()) != wanted) {
                return from_errno(errno, "the temporary file of the manifest cannot be read", "TMPDIR, /tmp");
            }
            SALVAGE_TRY(writer.write(ByteView{buffer}.first(wanted)));
            left -= wanted;
        }
        return {};
    }

private:
    struct Close {
        void operator()(FILE* file) const noexcept { static_cast<void>(std::fclose(file)); }
    };
    std::unique_ptr<FILE, Close> file_{std::tmpfile()};
    ByteCount size_;
    crypto::Sha256 hash_;
};

/// Where a file has data, as far as its holes are announced.
Result<std::vector<ByteRange>> data_ranges(const io::ByteSource& source)
{
    std::vector<ByteRange> out;
    for (std::uint64_t at = 0; at < source.size().value; at += window_bytes) {
        const auto window = *ByteRange::make(ByteOffset{at}, ByteCount{window_bytes});
        for (const auto& extent : SALVAGE_TRY(source.extents(window.intersection(io::whole(source))))) {
            if (extent.kind == io::ExtentKind::hole) {
                continue;
            }
            if (!out.empty() && out.back().end() == extent.range.start()) {
                out.back() = ByteRange::between(out.back().start(), extent.range.end());
            } else {
                out.push_back(extent.range);
            }
        }
    }
    return out;
}

/// The lists while the archive grows.
struct SpooledLists {
    Spool manifest;
    Spool sums;
    Spool body;
    Spool dfxml;

    static Result<SpooledLists> make(std::string_view source)
    {
        auto manifest = SALVAGE_TRY(Spool::make());
        auto sums = SALVAGE_TRY(Spool::make());
        auto body = SALVAGE_TRY(Spool::make());
        auto dfxml = SALVAGE_TRY(Spool::make());
        SALVAGE_TRY(dfxml.append(dfxml_head(source)));
        return SpooledLists{std::move(manifest), std::move(sums), std::move(body), std::move(dfxml)};
    }
    Result<> append(const ManifestEntry& line)
    {
        SALVAGE_TRY(manifest.append(to_line(to_json(line))));
        SALVAGE_TRY(body.append(body_line(line)));
        return dfxml.append(dfxml_object(line));
    }
};

class Archiver {
public:
    Archiver(const filesystem::FileSystem& filesystem, ArchiveFormat format, ArchiveWriter writer, SpooledLists lists,
             ExportSelection selection, const RunContext& context)
        : filesystem_{&filesystem}, format_{format}, writer_{std::move(writer)}, lists_{std::move(lists)},
          selection_{std::move(selection)}, context_{&context}
    {
    }

    /// `roots` lie in `base`, or are that one folder.
    Result<ExportReport> run(const std::vector<std::string>& roots, const std::string& base,
                             const std::string& top_folder)
    {
        base_ = base;
        folders_.emplace(base_, top_folder.empty() ? "" : top_folder + "/");
        for (const auto& root : roots) {
            SALVAGE_TRY(take_folders_to(root));
            const auto visit = [&](const ListedEntry& listed) {
                const bool is_root = listed.path == (root.empty() ? "/" : root);
                return is_root && listed.entry.type == EntryType::directory ? note_damage(listed) : take(listed);
            };
            SALVAGE_TRY(walk(*filesystem_, root, Recursive::yes, visit, *context_));
        }
        SALVAGE_TRY(lists_.dfxml.append(dfxml_tail()));
        report_.manifest = SALVAGE_TRY(add_list(manifest_name, lists_.manifest));
        report_.manifest_sha256 = lists_.manifest.finish_sha256();
        report_.sums = SALVAGE_TRY(add_list(sums_name, lists_.sums));
        SALVAGE_TRY(add_list(body_name, lists_.body));
        SALVAGE_TRY(add_list(dfxml_name, lists_.dfxml));
        SALVAGE_TRY(writer_.close());
        return std::move(report_);
    }

private:
    /// The folders from the base down to `root`, itself among them where it is one.
    Result<> take_folders_to(const std::string& root)
    {
        for (auto end = root.find('/', base_.size() + 1);; end = root.find('/', end + 1)) {
            if (base_.size() >= root.size()) {
                return {};
            }
            ListedEntry listed{.path = root.substr(0, end), .entry = {}, .target = {}, .lost = {}, .problem = {}};
            listed.entry = SALVAGE_TRY(filesystem::find_path(*filesystem_, listed.path));
            listed.entry.name = listed.path.substr(listed.path.rfind('/') + 1);
            const bool is_folder = listed.entry.type == EntryType::directory;
            if (is_folder && !folders_.contains(listed.path)) {
                SALVAGE_TRY(take(listed));
            }
            if (end == std::string::npos) {
                return {};
            }
        }
    }

    /// Of a folder that is told of because something is wrong with it.
    Result<> note_damage(const ListedEntry& listed)
    {
        report_.failed.push_back({.path = listed.path,
                                  .reason = listed.problem ? to_string(*listed.problem) : std::string{},
                                  .lost = {},
                                  .is_partial = true});
        return {};
    }

    Result<> take(const ListedEntry& listed)
    {
        if (!selection_.takes(listed)) {
            return {};
        }
        ManifestEntry line{.path = listed.path,
                           .entry = listed.entry,
                           .target = listed.target,
                           .stored = {},
                           .link_of = {},
                           .lost = {},
                           .stored_sha256 = {},
                           .problem = listed.problem ? to_string(*listed.problem) : std::string{},
                           .attributes = {}};
        if (!takes(format_, listed.entry.type) || (listed.entry.type == EntryType::symlink && listed.problem)) {
            ++report_.others;
            if (!line.problem.empty()) {
                fail(line, false);
            }
            return lists_.append(line);
        }
        line.stored = stored_path(listed);
        if (auto found = filesystem_->extended_attributes(listed.entry.inode); found.has_value()) {
            line.attributes = *std::move(found);
        }
        if (listed.entry.type == EntryType::file) {
            return take_file(std::move(line));
        }
        if (!line.problem.empty()) {
            fail(line, true);
        }
        SALVAGE_TRY(begin(line, ByteCount{0}, {}));
        count(listed.entry.type);
        return lists_.append(line);
    }

    /// A name that would mean something else to whoever unpacks is replaced.
    std::string stored_path(const ListedEntry& listed)
    {
        const auto parent = listed.path.substr(0, listed.path.size() - listed.entry.name.size() - 1);
        const auto& folder = folders_[parent];
        auto name = listed.entry.name;
        if (!is_holdable(name) || (folder.empty() && name == lists_folder)) {
            name = fmt::format("_inode_{}", listed.entry.inode);
            report_.failed.push_back({.path = listed.path,
                                      .reason = "its name cannot be used here; it was written as " + folder + name,
                                      .lost = {},
                                      .is_partial = true});
        }
        auto out = folder + name;
        if (listed.entry.type == EntryType::directory) {
            folders_.emplace(listed.path, out + "/");
        }
        return out;
    }

    void count(EntryType type)
    {
        switch (type) {
        case EntryType::directory: ++report_.directories; break;
        case EntryType::symlink: ++report_.symlinks; break;
        default: ++report_.others; break;
        }
    }

    void fail(const ManifestEntry& line, bool is_partial)
    {
        report_.failed.push_back(
            {.path = line.path, .reason = line.problem, .lost = line.lost, .is_partial = is_partial});
    }

    Result<> begin(const ManifestEntry& line, ByteCount size, std::vector<ByteRange> data)
    {
        return writer_.begin({.path = *line.stored,
                              .entry = line.entry,
                              .target = line.target,
                              .link_of = line.link_of,
                              .size = size,
                              .attributes = line.attributes,
                              .data = std::move(data)});
    }

    Result<> take_file(ManifestEntry line)
    {
        const auto first = links_.find(line.entry.inode);
        if (has_hard_links(format_) && line.entry.links > 1 && first != links_.end()) {
            const auto& known = first->second;
            line.link_of = *known.stored;
            line.lost = known.lost;
            line.stored_sha256 = known.stored_sha256;
            line.problem = known.problem;
            SALVAGE_TRY(begin(line, ByteCount{0}, {}));
            return finish_file(std::move(line));
        }
        const auto content = filesystem_->open(line.entry.inode);
        if (!content.has_value()) {
            return leave_out(std::move(line), content.error());
        }
        if ((*content)->size() > max_file_size) {
            return leave_out(std::move(line), unsupported("the size it claims cannot be",
                                                          fmt::format("{} bytes", (*content)->size().value)));
        }
        auto data = data_ranges(**content);
        if (!data.has_value()) {
            return leave_out(std::move(line), data.error());
        }
        SALVAGE_TRY(begin(line, (*content)->size(), *std::move(data)));
        SALVAGE_TRY(copy(**content, line).in("exporting " + printable(line.path)));
        report_.bytes = report_.bytes + line.entry.size;
        return finish_file(std::move(line));
    }

    Result<> leave_out(ManifestEntry line, const Error& problem)
    {
        line.stored.reset();
        line.problem = to_string(problem);
        line.lost = line.entry.size;
        fail(line, false);
        return lists_.append(line);
    }

    Result<> finish_file(ManifestEntry line)
    {
        ++report_.files;
        if (!line.problem.empty()) {
            fail(line, true);
        }
        if (!line.stored_sha256.empty()) {
            SALVAGE_TRY(lists_.sums.append(sums_line(line.stored_sha256, *line.stored)));
        }
        SALVAGE_TRY(lists_.append(line));
        if (line.entry.links > 1) {
            const auto inode = line.entry.inode;
            links_.try_emplace(inode, std::move(line));
        }
        return {};
    }

    /// The header is out: whatever happens, as many bytes follow as it says.
    Result<> copy(const io::ByteSource& source, ManifestEntry& line)
    {
        crypto::Sha256 hash; // outlives the wait below
        const auto let_go =
            std::unique_ptr<HashLane, void (*)(HashLane*)>{&lane_, [](HashLane* lane) { lane->wait(); }};
        Losses losses;
        for (ByteOffset at{0}; at < ByteOffset{source.size().value};) {
            if (context_->is_stopped()) {
                return cancelled("exporting files");
            }
            const auto range =
                ByteRange::between(at, std::min(ByteOffset{source.size().value}, at + ByteCount{chunk_bytes}));
            auto buffer = pool_.take();
            const auto bytes = std::span{*buffer}.first(static_cast<std::size_t>(range.size().value));
            const auto extents = read_what_is_there(source, range, bytes, Tolerate::damage);
            if (extents.has_value()) {
                losses.add(*extents);
            } else {
                std::ranges::fill(bytes, std::byte{0});
                losses.add(range);
                line.problem = to_string(extents.error());
            }
            lane_.update(hash, buffer, 0, bytes.size());
            SALVAGE_TRY(writer_.write(bytes));
            advance(range.size());
            at = range.end();
        }
        lane_.wait();
        line.stored_sha256 = to_hex(hash.finish());
        line.lost = losses.total();
        if (!losses.is_empty() && line.problem.empty()) {
            line.problem = describe_loss(losses.total());
        }
        return {};
    }

    void advance(ByteCount bytes)
    {
        done_ = ByteCount{checked_add(done_.value, bytes.value).value_or(done_.value)};
        const auto total = selection_.total();
        context_->progress->update(
            {.step = "export", .unit = "bytes", .done = std::min(done_, total).value, .total = total.value});
    }

    /// Its path in the archive.
    Result<std::string> add_list(std::string_view name, Spool& text)
    {
        auto path = fmt::format("{}/{}", lists_folder, name);
        filesystem::Entry entry;
        entry.type = EntryType::file;
        entry.mode = 0644;
        entry.modified.seconds = context_->clock->wall_time().count();
        entry.accessed = entry.changed = entry.modified;
        SALVAGE_TRY(writer_.begin({.path = path,
                                   .entry = entry,
                                   .target = {},
                                   .link_of = {},
                                   .size = text.size(),
                                   .attributes = {},
                                   .data = {}}));
        SALVAGE_TRY(text.write_to(writer_));
        return path;
    }

    const filesystem::FileSystem* filesystem_;
    ArchiveFormat format_;
    ArchiveWriter writer_;
    SpooledLists lists_;
    ExportSelection selection_;
    const RunContext* context_;
    ExportReport report_;
    std::string base_;                                     ///< path of what lands on top
    std::unordered_map<std::string, std::string> folders_; ///< path in the filesystem → in the archive, with its '/'
    ByteCount done_;
    std::unordered_map<std::uint64_t, ManifestEntry> links_; ///< first names of files with several
    BufferPool pool_{4, chunk_bytes};
    HashLane lane_;
};

std::string parent_of(const std::string& path)
{
    return path.substr(0, std::min(path.rfind('/'), path.size()));
}

bool lies_in(const std::string& path, const std::string& folder)
{
    return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

/// In order, without those that lie in another.
std::vector<std::string> outermost(const std::vector<std::string>& paths)
{
    std::vector<std::string> all;
    all.reserve(paths.size());
    std::ranges::transform(paths, std::back_inserter(all), normal_path);
    std::ranges::sort(all);
    std::vector<std::string> out;
    std::unordered_set<std::string_view> taken; // of `all`, which stays as it is
    for (const auto& path : all) {
        bool is_covered = taken.contains(path) || taken.contains("");
        for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0 && !is_covered;
             slash = path.rfind('/', slash - 1)) {
            is_covered = taken.contains(std::string_view{path}.substr(0, slash));
        }
        if (!is_covered) {
            out.push_back(path);
            taken.insert(path);
        }
    }
    return out;
}

/// What the paths land below.
Result<std::string> base_of(const filesystem::FileSystem& filesystem, const std::vector<std::string>& roots)
{
    if (roots.size() == 1) {
        const auto top = SALVAGE_TRY(filesystem::find_path(filesystem, roots.front()));
        return top.type == EntryType::directory ? roots.front() : parent_of(roots.front());
    }
    auto base = parent_of(roots.front());
    for (const auto& root : roots) {
        SALVAGE_TRY(filesystem::find_path(filesystem, root));
        while (!base.empty() && !lies_in(root, base)) {
            base = parent_of(base);
        }
    }
    return base;
}

} // namespace

Result<ExportReport> export_archive(const filesystem::FileSystem& filesystem, ArchiveFormat format,
                                    const ByteSink& sink, const ExportOptions& options, const RunContext& context)
{
    const auto roots = outermost(options.paths.empty() ? std::vector{options.path} : options.paths);
    const auto base = SALVAGE_TRY(base_of(filesystem, roots));
    auto selection = SALVAGE_TRY(ExportSelection::make(filesystem, roots, options.filter, context));
    auto lists = SALVAGE_TRY(SpooledLists::make(options.source_identity));
    auto writer = SALVAGE_TRY(ArchiveWriter::open(format, sink));
    return Archiver{filesystem, format, std::move(writer), std::move(lists), std::move(selection), context}.run(
        roots, base, options.top_folder);
}

Result<ExportReport> export_to_file(const filesystem::FileSystem& filesystem, ArchiveFormat format,
                                    const std::filesystem::path& path, const ExportOptions& options,
                                    const RunContext& context)
{
    auto file = SALVAGE_TRY(io::OutputFile::create(path));
    ByteOffset at{0};
    const ByteSink sink = [&](ByteView bytes) -> Result<> {
        SALVAGE_TRY(file.write_at(at, bytes));
        at = at + ByteCount{bytes.size()};
        return {};
    };
    auto report = SALVAGE_TRY(export_archive(filesystem, format, sink, options, context));
    SALVAGE_TRY(file.commit());
    return report;
}

} // namespace salvage::rescue
