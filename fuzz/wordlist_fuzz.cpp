// Word lists: lines in one piece and in bits are the same lines, and cover every byte once.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "../src/password/line_scanner.hpp" // private: what a candidate list is read with
#include "require.hpp"
#include "salvage/password/search.hpp"

namespace {

using namespace salvage;
using fuzz::require;

struct Line {
    std::string word;
    bool is_candidate{};
    std::uint64_t start{};
    std::uint64_t end{};
    bool operator==(const Line&) const = default;
};

/// All lines of `bytes`, fed in pieces of `piece`.
std::vector<Line> lines_of(ByteView bytes, std::size_t piece)
{
    std::vector<Line> out;
    password::LineScanner scanner;
    const auto use = [&](std::string_view text, std::uint64_t start, std::uint64_t end) {
        auto& line = out.emplace_back();
        line.is_candidate = password::word_of_line(text, line.word);
        line.start = start;
        line.end = end;
        return true;
    };
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        require(scanner.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)), use));
    }
    require(scanner.finish(use));
    return out;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::size_t most_bytes = 1U << 16U; // longer ones say nothing new
    const auto bytes = std::as_bytes(std::span{data, std::min(size, most_bytes)});
    const auto lines = lines_of(bytes, most_bytes);
    std::uint64_t at = 0;
    for (const auto& line : lines) {
        require(line.start == at && line.end > line.start);
        require(!line.is_candidate || line.word.size() <= password::max_word_bytes);
        at = line.end;
    }
    require(at == bytes.size());
    const auto piece = size == 0 ? std::size_t{1} : std::size_t{data[0]} % 37 + 1;
    require(lines_of(bytes, piece) == lines);
    return 0;
}
