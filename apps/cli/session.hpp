// One run of the command line: where text goes, how progress is shown, when to stop, how it ends.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "salvage/core/run_context.hpp"
#include "salvage/render/render.hpp"
#include "salvage/rescue/case_run.hpp"

namespace salvage::cli {

/// Exit codes beside those of verdicts; see DESIGN and `salvage --help`.
enum class Exit : int {
    done = 0,
    not_found = 1,
    usage = 2,
    damaged = 3,
    io = 4,
    stopped = 5,
    needs_phone = 6,
    mismatch = 7,
    bug = 70
};
[[nodiscard]] Exit exit_of(ErrorCode code) noexcept;

/// Shared by all verbs.  stdout is data, stderr is talk.
class Session {
public:
    Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    /// Data for standard output.
    void print(const std::string& text);
    /// Talk for standard error; nothing with --quiet.
    void say(const std::string& text);
    /// Reports an error and sets the exit code from it.
    void fail(const Error& error);
    void finish(int exit_code) noexcept { exit_code_ = exit_code; }
    [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

    [[nodiscard]] render::TextStyle out_style() const noexcept { return out_style_; }
    [[nodiscard]] render::TextStyle err_style() const noexcept { return err_style_; }
    /// Stops on Ctrl-C; progress on a terminal unless quiet.
    [[nodiscard]] RunContext context();

    /// Asks on the terminal without echo.  Errors: not_found (no terminal).
    [[nodiscard]] Result<SecretBytes> ask_secret(const std::string& prompt);
    /// Asks on the terminal with echo; empty where there is no terminal.
    [[nodiscard]] std::string ask_line(const std::string& prompt);

    bool is_quiet{false};
    bool is_json{false};
    std::vector<std::string> command; ///< the command line, without the program's name
    rescue::RunOutcome outcome;       ///< what a recorded verb has to say to the case's log

private:
    render::TextStyle out_style_;
    render::TextStyle err_style_;
    std::unique_ptr<Progress> progress_;
    int exit_code_{0};
};

/// Prints a report as the user asked: text or JSON.
template <typename Report>
void show(Session& session, const Report& report)
{
    session.print(session.is_json ? render::json(report) : render::text(report, session.out_style()));
}

} // namespace salvage::cli
