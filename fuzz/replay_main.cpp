// Runs a fuzz target over files and folders given on the command line.  Folders that do not exist are passed over;
// a run that saw no file at all fails.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
std::size_t replay(const std::filesystem::path& path)
{
    if (std::filesystem::is_directory(path)) {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{path}) {
            count += replay(entry.path());
        }
        return count;
    }
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        return 0;
    }
    const std::vector<char> content{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::uint8_t> bytes(content.begin(), content.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    return 1;
}
} // namespace

int main(int argc, char** argv)
{
    std::size_t count = 0;
    for (const auto* argument : std::span{argv, static_cast<std::size_t>(argc)}.subspan(1)) {
        count += replay(argument);
    }
    std::cout << count << " inputs replayed\n";
    return count == 0 ? 1 : 0;
}
