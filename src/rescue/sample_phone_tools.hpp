// Stock programs (mke2fs, debugfs, sqlite3) run without a shell, and plain image files for what they make.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "salvage/core/bytes.hpp"
#include "salvage/core/result.hpp"

namespace salvage::rescue::sample {

struct ToolOutput {
    int exit_code{};
    std::string text;       ///< standard output
    std::string complaints; ///< standard error
};

/// Runs a program found in PATH, /usr/sbin or /sbin; arguments[0] is its name.  Standard input is empty, the time that
/// e2fsprogs writes is fixed, messages are in English.  Errors: not_found (names the Debian package), io.
[[nodiscard]] Result<ToolOutput> run_tool(const std::vector<std::string>& arguments, std::string_view package);
/// The same, and an exit code other than 0 is an error: internal, with what the program printed.
[[nodiscard]] Result<std::string> run_tool_or_fail(const std::vector<std::string>& arguments, std::string_view package);

/// A file that is read and written at offsets.  Move-only.
class ImageFile {
public:
    /// A new file of `size` bytes without data.  Errors: already_exists, io, no_space.
    [[nodiscard]] static Result<ImageFile> create(const std::filesystem::path& path, ByteCount size);
    [[nodiscard]] static Result<ImageFile> open(const std::filesystem::path& path);
    Result<> read_at(ByteOffset at, std::span<std::byte> into) const;
    Result<> write_at(ByteOffset at, ByteView bytes);
    Result<> set_size(ByteCount size);
    [[nodiscard]] Result<ByteCount> size() const;

    ImageFile(const ImageFile&) = delete;
    ImageFile& operator=(const ImageFile&) = delete;
    ImageFile(ImageFile&& other) noexcept;
    ImageFile& operator=(ImageFile&& other) noexcept;
    ~ImageFile();

private:
    ImageFile(std::filesystem::path path, int descriptor) noexcept;
    std::filesystem::path path_;
    int descriptor_{-1};
};

/// A new file with these bytes.  Errors: already_exists, io, no_space.
Result<> write_new_file(const std::filesystem::path& path, ByteView bytes);
[[nodiscard]] Result<Bytes> read_whole_file(const std::filesystem::path& path);

/// A folder below `parent` that is gone with the object.
class WorkFolder {
public:
    [[nodiscard]] static Result<WorkFolder> make(const std::filesystem::path& parent);
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    WorkFolder(const WorkFolder&) = delete;
    WorkFolder& operator=(const WorkFolder&) = delete;
    WorkFolder(WorkFolder&& other) noexcept;
    WorkFolder& operator=(WorkFolder&&) = delete;
    ~WorkFolder();

private:
    explicit WorkFolder(std::filesystem::path path) noexcept;
    std::filesystem::path path_;
};

} // namespace salvage::rescue::sample
