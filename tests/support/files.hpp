// Files for tests: temporary folders, our samples, and other people's files where they are present.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "salvage/core/bytes.hpp"

namespace salvage::test {

/// A folder that is gone with the object.
class TemporaryFolder {
public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /// Writes a file in it and returns its path.
    [[nodiscard]] std::filesystem::path write(std::string_view name, ByteView bytes) const;

private:
    std::filesystem::path path_;
};

[[nodiscard]] Bytes read_file(const std::filesystem::path& path);
/// A sample of ours: tests/data/<name>.
[[nodiscard]] std::filesystem::path sample(std::string_view name);
/// A file by other people, or nothing where that folder is not present: the test then skips and says so.
[[nodiscard]] std::optional<std::filesystem::path> foreign(std::string_view name);
/// Runs a shell command; its standard output, or nothing where it failed.
[[nodiscard]] std::optional<std::string> run_command(const std::string& command);

} // namespace salvage::test

// Skips the test where other people's files are not present.
// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): GTEST_SKIP returns from the test.
#define SALVAGE_FOREIGN_OR_SKIP(variable, name)                                                                        \
    const auto variable##_found = ::salvage::test::foreign(name);                                                      \
    if (!variable##_found) {                                                                                           \
        GTEST_SKIP() << "other people's sample files are not present: " << (name);                                     \
    }                                                                                                                  \
    const auto& variable = *variable##_found
