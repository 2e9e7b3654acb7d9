// The session keeps the command line as it was typed.
#include "restart.hpp"

#include <filesystem>
#include <vector>

#include <unistd.h>

#include "salvage/password/session.hpp"

namespace salvage::cli {

Result<> restart_from(const std::string& session_file)
{
    if (session_file.empty()) {
        return invalid_argument("nothing to go on with",
                                "--restore was given with neither a file to search nor a session",
                                "name the session: --session FILE --restore");
    }
    std::error_code problem;
    const auto file = std::filesystem::absolute(session_file, problem).string();
    const auto session = SALVAGE_TRY(password::load_session(file));
    if (session.command.empty()) {
        return invalid_argument("this session does not keep its command line", file,
                                "type the command that began it, with --restore");
    }
    std::filesystem::current_path(session.folder, problem);
    if (problem) {
        return from_errno(problem.value(), "the folder of the session cannot be entered", session.folder);
    }
    std::vector<std::string> words{"salvage"};
    words.insert(words.end(), session.command.begin(), session.command.end());
    words.insert(words.end(), {"--restore", "--session", file});
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (auto& word : words) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    execv("/proc/self/exe", arguments.data());
    return from_errno(errno, "this program cannot be started again", "/proc/self/exe");
}

} // namespace salvage::cli
