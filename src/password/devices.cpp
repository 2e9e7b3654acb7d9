// Threads by cores, lanes by memory.  scrypt as phones use it takes 32 MiB a lane, a full vector batch of it 1 GiB.
#include "salvage/password/devices.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "password/memory.hpp"
#include "salvage/core/text.hpp"

namespace salvage::password {
namespace {

constexpr unsigned most_threads = 1024; // no machine gains from more than that

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

namespace {

/// The dearest scrypt of the targets: their judges share one device's memory.
ByteCount lane_memory(std::span<const Target* const> targets)
{
    ByteCount most{0};
    for (const auto* const target : targets) {
        if (const auto factors = target->scrypt()) {
            most = std::max(most, crypto::scrypt_lane_memory(*factors));
        }
    }
    return most;
}

std::size_t power_of_two_below(std::size_t number) noexcept
{
    return std::bit_floor(std::clamp<std::size_t>(number, 1, crypto::most_scrypt_lanes));
}

} // namespace

DevicePlan plan_devices(std::span<const Target* const> targets, const DeviceRequest& request,
                        std::optional<ByteCount> available)
{
    DevicePlan plan;
    plan.isa = request.isa;
    plan.available = available;
    const auto asked = request.threads != 0 ? request.threads : std::max(1U, std::thread::hardware_concurrency());
    plan.wanted_threads = std::clamp(asked, 1U, most_threads);
    plan.threads = plan.wanted_threads;
    const auto lane = lane_memory(targets);
    if (lane.value == 0) {
        return plan;
    }
    plan.wanted_lanes = power_of_two_below(request.scrypt_lanes.value_or(crypto::most_scrypt_lanes));
    if (!available) {
        plan.lanes = request.scrypt_lanes ? plan.wanted_lanes : 1;
    } else {
        // A quarter stays free for everything else on the machine.
        const auto fitting = (available->value - available->value / 4) / lane.value;
        plan.threads = static_cast<unsigned>(std::clamp<std::uint64_t>(fitting, 1, plan.wanted_threads));
        plan.lanes = std::min(plan.wanted_lanes, power_of_two_below(fitting / plan.threads));
    }
    plan.memory_each = ByteCount{lane.value * plan.lanes};
    return plan;
}

namespace {

/// How often each GPU is opened, a thread each: where a batch takes a fraction of a second, one thread's host work
/// hides behind the other's derivation.  scrypt's batches take seconds, and want the card's whole memory.
unsigned openings(bool uses_scrypt) noexcept
{
    return uses_scrypt ? 1 : 2;
}

} // namespace

DevicePlan plan_devices(std::span<const Target* const> targets, const DeviceRequest& request)
{
    auto cpu = request;
    std::vector<crypto::GpuInfo> gpus;
    std::vector<std::string> notes;
    if (request.gpu != GpuUse::none) {
        auto list = crypto::list_gpus();
        std::ranges::copy_if(list.gpus, std::back_inserter(gpus), [&](const crypto::GpuInfo& gpu) {
            return !gpu.is_duplicate && (!gpu.is_cpu || request.gpu == GpuUse::any);
        });
        notes = std::move(list.notes);
        const auto cores = request.threads != 0 ? request.threads : std::max(1U, std::thread::hardware_concurrency());
        const auto taken = static_cast<unsigned>(gpus.size()) * openings(lane_memory(targets).value != 0);
        cpu.threads = cores > taken ? cores - taken : 1U;
    }
    auto plan = plan_devices(targets, cpu, available_memory());
    plan.gpus = std::move(gpus);
    plan.gpu_notes = std::move(notes);
    return plan;
}

std::string describe(const DevicePlan& plan)
{
    auto out = fmt::format("{} thread{}", plan.threads, plan.threads == 1 ? "" : "s");
    if (plan.threads < plan.wanted_threads) {
        out += fmt::format(" instead of {}", plan.wanted_threads);
    }
    for (const auto& gpu : plan.gpus) {
        out += fmt::format(", {} ({})", gpu.name, gpu.api);
    }
    if (plan.gpus.empty() && !plan.gpu_notes.empty()) {
        out += fmt::format(", no GPU ({})", fmt::join(plan.gpu_notes, "; "));
    }
    if (!plan.uses_scrypt()) {
        return out;
    }
    out += fmt::format(", {} scrypt lane{} each", plan.lanes, plan.lanes == 1 ? "" : "s");
    if (plan.lanes < plan.wanted_lanes) {
        out += fmt::format(" instead of {}", plan.wanted_lanes);
    }
    out += fmt::format(": {} of memory", format_size(ByteCount{plan.memory_each.value * plan.threads}));
    if (plan.available) {
        out += fmt::format(", {} are free", format_size(*plan.available));
    }
    return out;
}

Result<Devices> make_devices(const DevicePlan& plan, const RunContext& context)
{
    Devices out;
    for (const auto& gpu : plan.gpus) {
        crypto::GpuOptions options;
        options.context = context;
        for (unsigned i = 0; i < openings(plan.uses_scrypt()); ++i) {
            out.push_back(SALVAGE_TRY(crypto::open_gpu(gpu, options).in("opening " + gpu.name)));
        }
    }
    for (unsigned i = 0; i < plan.threads; ++i) {
        out.push_back(SALVAGE_TRY(crypto::make_cpu_kdf_device({.isa = plan.isa, .scrypt_lanes = plan.lanes})));
    }
    return out;
}

} // namespace salvage::password
