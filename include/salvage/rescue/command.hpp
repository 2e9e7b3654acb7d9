// Other programs, run without a shell.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"
#include "salvage/core/units.hpp"

namespace salvage::rescue {

/// What a program said.
struct CommandAnswer {
    int exit_code{};
    std::string out;
    std::string complaint; ///< standard error, the first few KiB
};
/// Longest answer that is read: a line for each of ten thousand tasks is a tenth of it.
inline constexpr ByteCount max_command_answer{16U << 20U};

/// Runs other programs, so that tests can answer for them.
class CommandRunner {
public:
    CommandRunner() = default;
    CommandRunner(const CommandRunner&) = delete;
    CommandRunner& operator=(const CommandRunner&) = delete;
    virtual ~CommandRunner() = default;
    /// The program and its arguments; no shell is asked.  A program that ends with an error is an answer.
    /// Errors: not_found (no such program), timed_out (silent for too long), unsupported (a vast answer), cancelled,
    /// io.
    virtual Result<CommandAnswer> run(const std::vector<std::string>& command, const RunContext& context) = 0;
};
/// The real one.  `patience`: a program that takes longer is ended.  slurmctld may be away: its clients wait for it.
[[nodiscard]] std::unique_ptr<CommandRunner>
make_command_runner(std::chrono::milliseconds patience = std::chrono::seconds{60});

} // namespace salvage::rescue
