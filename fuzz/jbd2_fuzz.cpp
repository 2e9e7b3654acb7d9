// Journals: a replay ends, counts what it did, writes into the overlay alone, and does the same twice.
#include <cstdint>

#include "require.hpp"
#include "salvage/filesystem/jbd2.hpp"
#include "salvage/io/sources.hpp"

namespace {

using namespace salvage;
using fuzz::require;

constexpr std::uint64_t volume_blocks = 64;

struct Outcome {
    std::optional<filesystem::JournalReport> report;
    Bytes volume;
};

Outcome replay(const io::ByteSource& journal, std::uint32_t block_bytes)
{
    const auto volume = io::make_memory(Bytes(volume_blocks * block_bytes), "volume");
    const auto overlay = io::make_overlay(volume, ByteCount{1U << 24U});
    const auto report =
        filesystem::replay_journal(journal, {.block_bytes = block_bytes, .blocks = volume_blocks}, *overlay);
    if (!report.has_value()) {
        require(!to_string(report.error()).empty() && overlay->overlaid().value == 0);
        return {.report = {}, .volume = {}};
    }
    return {.report = *report, .volume = io::read_all(*overlay->view(), volume->size()).value()};
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    constexpr std::uint32_t block_bytes = 1024;
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto journal = io::make_memory(Bytes{bytes.begin(), bytes.end()}, "journal");
    const auto first = replay(*journal, block_bytes);
    const auto second = replay(*journal, block_bytes);
    require(first.report.has_value() == second.report.has_value() && first.volume == second.volume);
    if (first.report) {
        const auto blocks = size / block_bytes;
        require(first.report->blocks_written <= blocks && first.report->transactions <= blocks);
        require(!first.report->stopped || !to_string(*first.report->stopped).empty());
    }
    return 0;
}
