// Files for tests.
#include "support/files.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace salvage::test {

TemporaryFolder::TemporaryFolder()
{
    auto pattern = (std::filesystem::temp_directory_path() / "salvage-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error{"no temporary folder can be made"};
    }
    path_ = pattern;
}

TemporaryFolder::~TemporaryFolder()
{
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(std::string_view name, ByteView bytes) const
{
    auto path = path_ / name;
    std::ofstream file{path, std::ios::binary};
    const auto text = as_text(bytes);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    return path;
}

Bytes read_file(const std::filesystem::path& path)
{
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        throw std::runtime_error{"cannot read " + path.string()};
    }
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    const auto view = as_bytes(content);
    return {view.begin(), view.end()};
}

std::filesystem::path sample(std::string_view name)
{
    return std::filesystem::path{SALVAGE_TEST_DATA} / name;
}

std::optional<std::filesystem::path> foreign(std::string_view name)
{
    auto path = std::filesystem::path{SALVAGE_FOREIGN_DATA} / name;
    return std::filesystem::exists(path) ? std::optional{path} : std::nullopt;
}

std::optional<std::string> run_command(const std::string& command)
{
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    if (!pipe) {
        return std::nullopt;
    }
    std::string out;
    std::array<char, 4096> buffer{};
    while (const auto got = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
        out.append(buffer.data(), got);
    }
    auto* raw = const_cast<std::unique_ptr<FILE, int (*)(FILE*)>&>(pipe).release();
    return pclose(raw) == 0 ? std::optional{out} : std::nullopt;
}

} // namespace salvage::test
