// One run of the user's adb program, and what it writes.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "salvage/core/bytes.hpp"
#include "salvage/core/owned_descriptor.hpp"
#include "salvage/core/result.hpp"
#include "salvage/core/run_context.hpp"

namespace salvage::device {

/// A child process whose standard output is read.  Its standard input is empty; what it says on standard error is kept
/// in part.  Killed, if it still runs, with the object.
class AdbProcess {
public:
    /// Starts `arguments[0]`, found through PATH.  Errors: not_found (no such program), io.
    [[nodiscard]] static Result<AdbProcess> start(const std::vector<std::string>& arguments);
    AdbProcess(const AdbProcess&) = delete;
    AdbProcess& operator=(const AdbProcess&) = delete;
    AdbProcess(AdbProcess&& other) noexcept
        : child_{std::exchange(other.child_, -1)}, out_{std::move(other.out_)}, err_{std::move(other.err_)},
          complaint_{std::move(other.complaint_)}
    {
    }
    AdbProcess& operator=(AdbProcess&&) = delete;
    ~AdbProcess();

    /// What is there, or comes; 0 at the end.  Errors: timed_out, cancelled, io.
    Result<std::size_t> read_some(std::span<std::byte> into, std::chrono::milliseconds silence,
                                  const RunContext& context);
    /// The exit status once the output has ended; 128 and more for a signal.
    [[nodiscard]] int wait();
    /// The first bytes of its standard error.
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

private:
    AdbProcess(pid_t child, OwnedDescriptor out, OwnedDescriptor err)
        : child_{child}, out_{std::move(out)}, err_{std::move(err)}
    {
    }
    void hear_complaint();

    pid_t child_;
    OwnedDescriptor out_;
    OwnedDescriptor err_;
    std::string complaint_;
};

/// Runs a program to its end; its output, at most 64 KiB.
struct AdbAnswer {
    int exit_code{};
    std::string out;
    std::string complaint;
};
[[nodiscard]] Result<AdbAnswer> run_adb(const std::vector<std::string>& arguments, std::chrono::milliseconds silence,
                                        const RunContext& context);

} // namespace salvage::device
