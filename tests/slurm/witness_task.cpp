// A search that leaves a witness of every candidate it tries: what the tests of Slurm run instead of crack.
//
//   witness_task --candidates N --hit K --rate R --witness FILE --slurm DIR …      submits, as crack does
//   witness_task … --chunk-folder DIR --chunk C                                    one task, as crack does
//
// FILE gets a line "<chunk> <life> <number>" for each candidate, in one write, before it counts as tried.  A hit is
// made known before its chunk ends, as crack does.
#include <cerrno>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "salvage/core/owned_descriptor.hpp"
#include "salvage/io/output_file.hpp"
#include "slurm.hpp"

namespace salvage::cli {
namespace {

constexpr std::string_view target = "witness";

struct WitnessOptions {
    SlurmCliOptions slurm;
    std::uint64_t candidates{100};
    std::optional<std::uint64_t> hit;
    std::string also; ///< a second target, which has no hit: the search goes on to its end
    double rate{20};  ///< candidates a second
    std::string witness;
};

std::uint64_t load_checkpoint(const rescue::ChunkWork& work)
{
    std::ifstream file{work.checkpoint};
    std::uint64_t next = 0;
    return file >> next ? next : work.range.begin;
}

Result<> save_checkpoint(const rescue::ChunkWork& work, std::uint64_t next)
{
    const auto text = fmt::format("{}\n", next);
    return io::write_file_atomically(work.checkpoint, as_bytes(text), io::Existing::replace, 0600);
}

class WitnessSearch {
public:
    explicit WitnessSearch(const WitnessOptions& options) : options_{options} {}

    Result<rescue::ChunkOutcome> operator()(const rescue::ChunkWork& work, const RunContext& context) const
    {
        const OwnedDescriptor witness{
            ::open(options_.witness.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
        if (!witness.is_open()) {
            return from_errno(errno, "the witness cannot be opened", options_.witness);
        }
        const auto life = work.checkpoint.extension().string().substr(1);
        rescue::ChunkOutcome out;
        out.next = load_checkpoint(work);
        const auto end = work.range.begin + work.range.length;
        for (; out.next < end; ++out.next) {
            SALVAGE_TRY(save_checkpoint(work, out.next));
            if (context.is_stopped()) {
                out.end = rescue::RangeEnd::stopped;
                return out;
            }
            std::this_thread::sleep_for(std::chrono::duration<double>{1.0 / options_.rate});
            const auto line = fmt::format("{} {} {}\n", work.range.number, life, out.next);
            if (::write(witness.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
                return from_errno(errno, "the witness cannot be written", options_.witness);
            }
            ++out.tried;
            if (out.next != options_.hit) {
                continue;
            }
            SALVAGE_TRY(work.publish({.number = out.next,
                                      .target = std::string{target},
                                      .secret = fmt::format("secret:{}", out.next),
                                      .encoding = "text"}));
            if (options_.also.empty()) {
                ++out.next;
                out.end = rescue::RangeEnd::all_hit;
                return out;
            }
        }
        return out;
    }

private:
    const WitnessOptions& options_;
};

Result<> run(const WitnessOptions& options, Session& session)
{
    if (options.slurm.is_status) {
        return show_slurm(options.slurm, session);
    }
    SlurmSearch search{.target_identity = "witness",
                       .keyspace_identity = fmt::format("numbers:{}", options.candidates),
                       .targets = {std::string{target}},
                       .total = options.candidates,
                       .begin = 0,
                       .end = options.candidates,
                       .rate = options.rate};
    if (!options.also.empty()) {
        search.targets.push_back(options.also);
    }
    if (options.slurm.is_task()) {
        return run_slurm_task(options.slurm, search, WitnessSearch{options}, session);
    }
    return submit_slurm(options.slurm, search, session);
}

int main_of(int argc, char** argv)
{
    Session session;
    session.is_json = false;
    WitnessOptions options;
    CLI::App app{"a search that leaves a witness"};
    app.add_option("--candidates", options.candidates);
    app.add_option("--hit", options.hit);
    app.add_option("--also", options.also);
    app.add_option("--rate", options.rate);
    app.add_option("--witness", options.witness);
    app.add_flag("--json", session.is_json);
    add_slurm_options(app, options.slurm);
    CLI11_PARSE(app, argc, argv);
    if (const auto done = run(options, session); !done.has_value()) {
        session.fail(done.error());
        session.finish(static_cast<int>(SlurmExit::stuck));
    }
    return session.exit_code();
}

} // namespace
} // namespace salvage::cli

int main(int argc, char** argv)
{
    return salvage::cli::main_of(argc, argv);
}
