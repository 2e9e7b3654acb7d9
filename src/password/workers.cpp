// Threads by cores and by memory.  scrypt as phones use it takes 32 MiB a guess, a SIMD batch of it half a gigabyte.
#include "password/workers.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace salvage::password {
namespace {

constexpr unsigned most_workers = 1024; // no machine gains from more threads than that

std::optional<std::uint64_t> number_at_start(std::string_view text)
{
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(begin);
    std::uint64_t out = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc{} ? std::optional{out} : std::nullopt;
}

/// The start of a small file of the kernel; empty where it cannot be read.
std::string kernel_file(const char* path)
{
    std::ifstream file{path};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    return text;
}

/// What a memory control group (a container, a batch job) leaves.  "max" is no number: no bound.
std::optional<ByteCount> left_in_control_group()
{
    const auto limit = number_at_start(kernel_file("/sys/fs/cgroup/memory.max"));
    const auto used = number_at_start(kernel_file("/sys/fs/cgroup/memory.current"));
    if (!limit || !used) {
        return std::nullopt;
    }
    return ByteCount{*limit > *used ? *limit - *used : 0};
}

} // namespace

std::optional<ByteCount> parse_available_memory(std::string_view meminfo)
{
    constexpr std::string_view key = "MemAvailable:";
    const auto at = meminfo.find(key);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const auto kib = number_at_start(meminfo.substr(at + key.size()));
    const auto bytes = kib ? checked_multiply<std::uint64_t>(*kib, 1024) : std::nullopt;
    return bytes ? std::optional{ByteCount{*bytes}} : std::nullopt;
}

std::optional<ByteCount> available_memory()
{
    const auto system = parse_available_memory(kernel_file("/proc/meminfo"));
    const auto group = left_in_control_group();
    return system && group ? std::min(*system, *group) : (system ? system : group);
}

WorkerPlan plan_workers(const Target& target, unsigned wanted, std::optional<ByteCount> available)
{
    WorkerPlan plan{.workers = 1, .wanted = 1, .memory_each = target.memory_per_worker(), .available = available};
    const auto asked = wanted != 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
    plan.wanted = std::clamp(std::min(asked, target.max_workers().value_or(most_workers)), 1U, most_workers);
    plan.workers = plan.wanted;
    if (available && plan.memory_each.value != 0) {
        // A quarter stays free for everything else on the machine.
        const auto fitting = (available->value - available->value / 4) / plan.memory_each.value;
        plan.workers = static_cast<unsigned>(std::clamp<std::uint64_t>(fitting, 1, plan.wanted));
    }
    return plan;
}

WorkerPlan plan_workers(const Target& target, unsigned wanted)
{
    return plan_workers(target, wanted, available_memory());
}

} // namespace salvage::password
