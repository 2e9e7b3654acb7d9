// A filesystem as artifact sees it: paths, without links.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "salvage/artifact/extraction.hpp"
#include "salvage/filesystem/filesystem.hpp"

namespace salvage::rescue {

/// Keeps the folders that were asked for last, so that ten thousand files of one folder cost one listing.  Not thread
/// safe.
class PhoneFilesOf final : public artifact::PhoneFiles {
public:
    PhoneFilesOf(const filesystem::FileSystem& filesystem, io::SourcePtr system_properties)
        : filesystem_{&filesystem}, system_properties_{std::move(system_properties)}
    {
    }

    [[nodiscard]] std::vector<artifact::PhoneEntry> list(const std::string& folder) const override;
    [[nodiscard]] std::optional<artifact::PhoneEntry> find(const std::string& path) const override;
    [[nodiscard]] Result<io::SourcePtr> open(const std::string& path) const override;
    [[nodiscard]] io::SourcePtr system_properties() const override { return system_properties_; }

private:
    struct Folder {
        std::string path;
        std::uint64_t inode{};
        std::vector<filesystem::Entry> entries; ///< by name
    };
    [[nodiscard]] const Folder* folder_at(const std::string& path) const;
    [[nodiscard]] const filesystem::Entry* entry_at(const std::string& path) const;

    const filesystem::FileSystem* filesystem_;
    io::SourcePtr system_properties_;
    mutable std::list<Folder> folders_; ///< asked for last, first
};

} // namespace salvage::rescue
