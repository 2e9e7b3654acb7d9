// A filesystem walked by a fuzz target: what is read twice is the same, and extents tell what can be read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "require.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::fuzz {

template <typename T>
bool is_well_formed(const Result<T>& result)
{
    return result.has_value() || (!result.error().what.empty() && !to_string(result.error()).empty());
}

inline void read_head(const io::ByteSource& file)
{
    const auto head = ByteCount{std::min<std::uint64_t>(file.size().value, 1U << 16U)};
    const auto extents = file.extents(ByteRange::first(head));
    require(is_well_formed(extents));
    if (!extents.has_value()) {
        return;
    }
    ByteOffset at;
    for (const auto& extent : *extents) {
        require(extent.range.start() == at);
        at = extent.range.end();
        const auto bytes = io::read_bytes(file, extent.range.start(), extent.range.size());
        require(is_well_formed(bytes) && bytes.has_value() == (extent.kind != io::ExtentKind::unreadable));
        require(extent.kind != io::ExtentKind::hole || is_all_zero(*bytes));
    }
    require(at.value == head.value);
    require(!file.locate(ByteOffset{head.value / 2}).chain.empty());
}

class Walker {
public:
    explicit Walker(const filesystem::FileSystem& fs) : fs_{fs} {}

    void folder(std::uint64_t inode)
    {
        if (!seen_.insert(inode).second || seen_.size() > 64) {
            return;
        }
        std::vector<filesystem::Entry> so_far;
        const auto listed = fs_.list(inode, &so_far);
        require(is_well_formed(listed));
        for (const auto& entry : listed.has_value() ? *listed : so_far) {
            require(!entry.name.empty() && entry.name.find('/') == std::string::npos &&
                    entry.name.find('\0') == std::string::npos && entry.name != "." && entry.name != "..");
            visit(entry);
        }
    }

private:
    void visit(const filesystem::Entry& entry)
    {
        if (++visited_ > 512) {
            return;
        }
        require(is_well_formed(fs_.stat(entry.inode)));
        require(is_well_formed(fs_.extended_attributes(entry.inode)));
        require(is_well_formed(fs_.read_link(entry.inode)));
        const auto file = fs_.open(entry.inode);
        require(is_well_formed(file));
        if (file.has_value()) {
            read_head(**file);
        }
        if (entry.type == filesystem::EntryType::directory) {
            folder(entry.inode);
        }
    }

    const filesystem::FileSystem& fs_;
    std::set<std::uint64_t> seen_;
    std::size_t visited_{0};
};

/// What is required of whatever came of filesystem::open.
inline void walk_opened(const Result<std::unique_ptr<const filesystem::FileSystem>>& opened)
{
    require(is_well_formed(opened));
    if (!opened.has_value()) {
        return;
    }
    const auto& fs = **opened;
    require(!fs.kind().empty());
    for (const auto& finding : fs.findings()) {
        require(!finding.code.empty() && !finding.text.empty());
    }
    Walker{fs}.folder(fs.root().inode);
    require(filesystem::find_path(fs, "/").has_value());
    require(is_well_formed(filesystem::find_path(fs, "/media/0/photo.jpg")));
}

/// What is required of deleted files and unused areas, where the format knows of them.
inline void walk_deleted(const Result<std::unique_ptr<const filesystem::FileSystem>>& opened)
{
    if (!opened.has_value()) {
        return;
    }
    const auto deleted = (*opened)->deleted_files({});
    require(is_well_formed(deleted));
    for (const auto& file : deleted.value_or(std::vector<filesystem::DeletedFile>{})) {
        require(!file.proof.empty() && file.entry.name.find('/') == std::string::npos);
        if (file.content) {
            read_head(*file.content);
        }
    }
    const auto areas = (*opened)->unused_areas();
    require(is_well_formed(areas));
    ByteOffset last;
    for (const auto& area : areas.value_or(std::vector<ByteRange>{})) {
        require(area.start() >= last && !area.is_empty());
        last = area.end() + ByteCount{1}; // neighbours are joined
    }
}

} // namespace salvage::fuzz
