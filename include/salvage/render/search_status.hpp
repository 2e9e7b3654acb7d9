// How a running search stands, as a line for a person and as hashcat's --status-json for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace salvage::render {

/// hashcat's numbers for what a search is doing.
enum class SearchPhase : std::uint8_t {
    running = 3,
    paused = 4,
    exhausted = 5,
    cracked = 6,
    quit = 8,
    at_checkpoint = 10,
    out_of_time = 11,
};

struct SearchStatus {
    std::string session; ///< file of the session
    std::string target;  ///< name of the first one
    std::string attack;  ///< of the step that is searched
    std::string devices; ///< as password::describe
    bool uses_gpu{false};
    SearchPhase phase{SearchPhase::running};
    std::uint64_t begin{};
    std::uint64_t next{};               ///< all below are done
    std::uint64_t done{};               ///< tried since `begin`, in earlier starts too
    std::optional<std::uint64_t> end{}; ///< nothing: a stream
    std::uint64_t rejected{};
    std::size_t found{};
    std::size_t targets{};
    double rate{}; ///< candidates a second, all devices; 0: not known yet
    std::chrono::seconds started{};
    std::chrono::seconds now{};
};

/// One line of JSON with hashcat's keys, "\n" at its end.
[[nodiscard]] std::string status_json(const SearchStatus& status);
/// One line, "\n" at its end.
[[nodiscard]] std::string status_text(const SearchStatus& status);

} // namespace salvage::render
